/* The shim in C: parent of one command, holder of its lock, writer of its log and its result.
 *
 * The same as shim.py, which is the executable specification and says more; the protocol is docs/shim-protocol.md.
 * Linux, libc only. No heap: static buffers whose pages are touched when they are used, so that an idle run costs little.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum {
    STATE = 3, LIFELINE = 4,      /* descriptors, by protocol */
    STARTED = 0, RESULT = 1024,   /* slots of the state file */
    STARTED_ROOM = 1024, RESULT_ROOM = 2048,
    CHUNK = 65536,                /* bytes of one read */
    WIDE = 8 * CHUNK,             /* the same, and the room of the pipe, once BUSY reads in a row found more than half of CHUNK */
    BUSY = 8,
    GATHER = 4 * CHUNK,           /* bytes of records that are written without waiting for more */
    STAGE = 2 * WIDE,             /* bytes of records that are written at once */
    FILES_WIDE = 16 * WIDE,       /* smaller files would end half empty, since a chunk is not split over two */
    BLOCK = 16,                   /* bytes that are searched and copied at once */
    PIECE = 16384,                /* bytes of text in one record */
    PREFIX = 40,                  /* "2026-11-22T08:00:00.123456789Z stdout F " */
    GAP_SIZE = 256,
    PASS_SIZE = 4096,             /* PIPE_BUF: what a pipe that polls writable takes without blocking */
    HELD_BACK = 1 << 20,          /* bytes kept for a client that does not read, before children of an ended command are held back */
    FIRST_LOOK = 10,              /* ms; the lock of a supervisor that is just dying is held a little longer than its lifeline */
    PATH_ROOM = 4096, LIMITS = 32, MOST_FILES = 1000, MOST_WORDS = 64,
    REQUEST = 65536, MOST_STRINGS = 4096, HANDED = 4, /* of one request to a guard: bytes, words and variables, descriptors */
};
static const int64_t SECOND = 1000000000;

/* ---- the command line ---- */

static struct options {
    const char *output, *run, *home, *cwd, *in, *live, *cgroup;
    long umask, nice;             /* -1, LONG_MAX: not given */
    bool has_nice, has_affinity, front, guard;
    unsigned long cpus[8192 / (8 * sizeof(long))];
    struct { bool given; int64_t soft, hard; } limits[LIMITS];
    bool kept[2];
    int64_t max_bytes, max_files, keep_free, grace;
    char **command;
} opt;
static const char RUN_LETTERS[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.:_-";
static const struct options defaults = { .umask = -1, .kept = { true, true }, .max_bytes = 33554432, .max_files = 8, .grace = 2000 };

static const char *const points[] = {
    "before-spawn", "before-started", "after-started", "after-spawn", "before-output", "after-output", "before-rotate", "during-rotate",
    "after-rotate", "before-gap", "after-gap", "before-result", "after-result", "before-start-supervisor", "after-start-supervisor",
};
enum { POINTS = sizeof points / sizeof *points };
static int64_t point_delay[POINTS]; /* milliseconds; -1: die */
static bool points_armed;
static pid_t shim_pid;

static void usage(const char *what, const char *word)
{
    char line[512];
    int n = snprintf(line, sizeof line - 1, "outlast-shim: %s `%.400s`", what, word);
    for (int i = 0; i < n; i++)
        if (line[i] < 32 || line[i] > 126)
            line[i] = '?';
    line[n++] = '\n';
    if (write(2, line, (size_t)n) < 0) { }
    _exit(2);
}

/* A decimal integer that fills the text from *p to a character of `ends`; moves *p there. */
static bool number(const char **p, const char *ends, int64_t least, int64_t most, int64_t *value)
{
    const char *digits = *p + (**p == '-');
    size_t n = strspn(digits, "0123456789");
    if (!n || digits + n - *p > 20 || !strchr(ends, digits[n]))
        return false;
    errno = 0;
    *value = strtoll(*p, NULL, 10);
    *p = digits + n;
    return !errno && *value >= least && *value <= most;
}

static bool whole_number(const char *text, int64_t least, int64_t most, int64_t *value)
{
    return number(&text, "", least, most, value) && !*text;
}

static bool take_affinity(const char *p)
{
    int64_t cpu;
    memset(opt.cpus, 0, sizeof opt.cpus);
    for (opt.has_affinity = true; number(&p, ",", 0, 8191, &cpu); p++) {
        opt.cpus[cpu / (8 * sizeof(long))] |= 1UL << cpu % (8 * sizeof(long));
        if (!*p)
            return true;
    }
    return false;
}

static bool take_limit(const char *p)
{
    int64_t which, soft, hard;
    if (!number(&p, ":", 0, LIMITS - 1, &which) || !*p || !number((p++, &p), ":", -1, INT64_MAX, &soft) || !*p
        || !whole_number(p + 1, -1, INT64_MAX, &hard))
        return false;
    opt.limits[which].given = true;
    opt.limits[which].soft = soft;
    opt.limits[which].hard = hard;
    return true;
}

static bool take_streams(const char *p)
{
    opt.kept[0] = opt.kept[1] = false;
    if (!strcmp(p, "none"))
        return true;
    for (;; p += 7) {
        if (strncmp(p, "stdout", 6) && strncmp(p, "stderr", 6))
            return false;
        opt.kept[p[3] == 'e'] = true;
        if (!p[6] || p[6] != ',')
            return !p[6];
    }
}

static bool take_failpoint(const char *p)
{
    for (int i = 0; i < POINTS; i++) {
        size_t n = strlen(points[i]);
        if (strncmp(p, points[i], n) || p[n] != ':')
            continue;
        points_armed = true;
        if (!strcmp(p + n + 1, "die")) {
            point_delay[i] = -1;
            return true;
        }
        return !strncmp(p + n + 1, "delay=", 6) && whole_number(p + n + 7, 0, 1000000000, &point_delay[i]);
    }
    return false;
}

static bool take_path(const char **path, const char *value)
{
    *path = value;
    return *value && strlen(value) < 4000;
}

/* 1 taken, 0 malformed, -1 unknown */
static int take(const char *key, const char *v)
{
    int64_t n = 0;
    if (!strcmp(key, "output")) return take_path(&opt.output, v);
    if (!strcmp(key, "run")) return *(opt.run = v) && strspn(v, RUN_LETTERS) == strlen(v) && strlen(v) <= 64;
    if (!strcmp(key, "home")) return take_path(&opt.home, v);
    if (!strcmp(key, "stdin")) return take_path(&opt.in, v);
    if (!strcmp(key, "live")) return take_path(&opt.live, v);
    if (!strcmp(key, "cgroup")) return take_path(&opt.cgroup, v);
    if (!strcmp(key, "cwd")) return take_path(&opt.cwd, v) && *v == '/';
    if (!strcmp(key, "umask")) {
        size_t digits = strspn(v, "01234567");
        opt.umask = strtol(v, NULL, 8);
        return digits && digits <= 4 && !v[digits] && opt.umask <= 0777;
    }
    if (!strcmp(key, "nice")) {
        int ok = whole_number(v, -1000, 1000, &n);
        opt.nice = n;
        opt.has_nice = true;
        return ok;
    }
    if (!strcmp(key, "affinity")) return take_affinity(v);
    if (!strcmp(key, "rlimit")) return take_limit(v);
    if (!strcmp(key, "streams")) return take_streams(v);
    if (!strcmp(key, "max-bytes")) return whole_number(v, 0, INT64_MAX, &opt.max_bytes);
    if (!strcmp(key, "keep-free")) return whole_number(v, 0, INT64_MAX, &opt.keep_free);
    if (!strcmp(key, "max-files")) return whole_number(v, 0, MOST_FILES, &opt.max_files) && opt.max_files != 1;
    if (!strcmp(key, "grace")) return whole_number(v, 0, 1000000000, &opt.grace);
    if (!strcmp(key, "front")) return (opt.front = !strcmp(v, "1"));
    if (!strcmp(key, "failpoint")) return take_failpoint(v);
    if (!strcmp(key, "title")) return 1;
    return -1;
}

static void parse(char **words)
{
    opt = defaults;
    opt.guard = *words && !strcmp(*words, "guard");
    if (!opt.guard && !(*words && !strcmp(*words, "run")))
        usage("unknown word", *words ? *words : "");
    while (*++words) {
        if (!opt.guard && !strcmp(*words, "--")) {
            opt.command = words + 1;
            break;
        }
        char *equals = strchr(*words, '=');
        if (!equals)
            usage("unknown word", *words);
        *equals = 0; /* for the comparison only: our words show in /proc/PID/cmdline */
        int taken = take(*words, equals + 1);
        if (taken < 0)
            usage("unknown key", *words);
        if (!taken)
            usage("malformed value of", *words);
        *equals = '=';
    }
    if (opt.guard && !opt.home)
        usage("missing key", "home");
    if (!opt.guard && !(opt.output && opt.run))
        usage("missing key", opt.output ? "run" : "output");
    if (!opt.guard && !(opt.command && *opt.command && **opt.command))
        usage("empty command", "");
    if (opt.live && opt.in)
        usage("excluded by `live`:", "stdin");
    if (fcntl(opt.guard ? LIFELINE : STATE, F_GETFD) < 0)
        usage("not open: descriptor", opt.guard ? "4" : "3");
}

/* ---- small things ---- */

static int64_t clock_ns(clockid_t which)
{
    struct timespec t;
    clock_gettime(which, &t);
    return t.tv_sec * SECOND + t.tv_nsec;
}

static void sleep_ms(int64_t ms)
{
    struct timespec t = { ms / 1000, ms % 1000 * 1000000 };
    while (nanosleep(&t, &t) < 0 && errno == EINTR) { }
}

static void failpoint(const char *name)
{
    if (!points_armed)
        return;
    for (int i = 0; i < POINTS; i++)
        if (!strcmp(points[i], name)) {
            if (point_delay[i] < 0)
                kill(shim_pid, SIGKILL);
            sleep_ms(point_delay[i] > 0 ? point_delay[i] : 0);
        }
}

static ssize_t read_file(const char *path, char *buffer, size_t room)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    size_t n = 0;
    ssize_t got;
    if (fd < 0)
        return -1;
    while (n < room && ((got = read(fd, buffer + n, room - n)) > 0 || (got < 0 && errno == EINTR)))
        n += got > 0 ? (size_t)got : 0;
    close(fd);
    return (ssize_t)n;
}

static int write_all(int fd, const char *data, size_t n, int64_t at)
{
    while (n) {
        ssize_t done = pwrite(fd, data, n, at);
        if (done < 0 && errno != EINTR)
            return -1;
        if (done > 0)
            data += done, n -= (size_t)done, at += done;
    }
    return 0;
}

static uint32_t crc32(const char *p, size_t n)
{
    static const uint32_t half[16] = {
        0x00000000, 0x1DB71064, 0x3B6E20C8, 0x26D930AC, 0x76DC4190, 0x6B6B51F4, 0x4DB26158, 0x5005713C,
        0xEDB88320, 0xF00F9344, 0xD6D6A3E8, 0xCB61B38C, 0x9B64C2B0, 0x86D3D2D4, 0xA00AE278, 0xBDBDF21C,
    };
    uint32_t c = ~0U;
    while (n--) {
        c ^= (unsigned char)*p++;
        c = c >> 4 ^ half[c & 15];
        c = c >> 4 ^ half[c & 15];
    }
    return ~c;
}

/* One line, one pwrite, into room that was really written before. `line` has 14 bytes of room before the text. */
static bool write_slot(off_t at, size_t room, char *line, size_t n)
{
    char head[32];
    snprintf(head, sizeof head, "%04u %08x ", (unsigned)n, crc32(line + 14, n));
    memcpy(line, head, 14);
    line[14 + n] = '\n';
    return n + 15 <= room && pwrite(STATE, line, n + 15, at) == (ssize_t)(n + 15);
}

static unsigned long long forked_at; /* see start_time; taken right before the fork that made us */
static bool clock_fits;              /* this kernel tells starts in the clock that we read */

/* The clock in which a process' start is told, in its ticks; 0 if it cannot be had. */
static unsigned long long boot_ticks(void)
{
    long per_second = sysconf(_SC_CLK_TCK);
    struct timespec t;
    if (per_second <= 0 || SECOND % per_second || clock_gettime(CLOCK_BOOTTIME, &t) < 0)
        return 0;
    return (unsigned long long)(t.tv_sec * per_second + t.tv_nsec / (SECOND / per_second));
}

/* Field 22 of /proc/PID/stat; counted from the last parenthesis, since the name may hold blanks and parentheses. If the tick before our
 * fork is not over, we started in it, and need not look: to have /proc make a folder of ours costs more than all else that we do. */
static unsigned long long start_time(void)
{
    if (clock_fits && forked_at && forked_at == boot_ticks())
        return forked_at;
    char text[1024];
    ssize_t n = read_file("/proc/self/stat", text, sizeof text - 1);
    text[n < 0 ? 0 : n] = 0;
    char *p = strrchr(text, ')');
    for (int field = 2; p && field < 22; field++)
        p = strchr(p + 1, ' ');
    return p ? strtoull(p + 1, NULL, 10) : 0;
}

/* Really all: musl leaves 34 out, which it keeps to itself, and a signal 34 from outside would end us. */
static void fill(sigset_t *set)
{
    memset(set, 0xff, sizeof *set);
}

static void default_signals(void)
{
    static const char all_zero[64]; /* the kernel's own structure: SIG_DFL, no flags, no mask */
    for (int s = 1; s < NSIG; s++)
        if (s != 32 && s != 33)
            syscall(SYS_rt_sigaction, s, all_zero, NULL, 8);
}

/* What a program expects: every signal at its default, none blocked. Those that we catch become so by exec (execve(2)). */
static void let_signals_in(void)
{
    sigset_t none;
    signal(SIGXFSZ, SIG_IGN); /* forgets one that our own write to a full disk has earned */
    signal(SIGXFSZ, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

/* ---- the command. With vfork the child borrows our memory: it changes nothing of it that we look at later ---- */

static int64_t spawned_at;           /* on the monotonic clock */
static char boot[64], space[64]; /* the machine's present life, and the pid namespace; a guard's shims have them of the guard */
static int live = -1, live_end = -1, live_in = -1; /* of a live standard input: what we hold, what tells us to let go, the command's */
static char known[256];          /* the part of `started` that is known before the command is */

static void learn_where(void)
{
    ssize_t n = read_file("/proc/sys/kernel/random/boot_id", boot, sizeof boot - 1);
    boot[n > 36 ? 36 : n < 0 ? 0 : n] = 0;
    n = readlink("/proc/self/ns/pid", space, sizeof space - 1);
    space[n < 0 ? 0 : n] = 0;
}

static void identify(void)
{
    if (!*space)
        learn_where();
    snprintf(known, sizeof known, "\"run\":\"%s\",\"shim\":%d,\"shim_start\":%llu,\"boot\":\"%s\",\"pidns\":%llu", opt.run, shim_pid,
             start_time(), boot, strlen(space) > 5 ? strtoull(space + 5, NULL, 10) : 0ULL);
}

static void tell(int fd, const char *word, int value)
{
    char line[64];
    int n = snprintf(line, sizeof line, "%s %d\n", word, value);
    if (write(fd, line, (size_t)n) < 0) { }
}

static void restore(int told)
{
    for (int i = 0; i < LIMITS; i++) {
        if (!opt.limits[i].given)
            continue;
        struct rlimit own, want = { (rlim_t)opt.limits[i].soft, (rlim_t)opt.limits[i].hard }; /* -1 is RLIM_INFINITY */
        bool ok = !getrlimit(i, &own);
        if (ok && want.rlim_max > own.rlim_max) {
            want.rlim_max = own.rlim_max;
            want.rlim_cur = want.rlim_cur > own.rlim_max ? own.rlim_max : want.rlim_cur;
        }
        if (!ok || setrlimit(i, &want) < 0)
            tell(told, "rlimit", i);
    }
    if (opt.has_nice && setpriority(PRIO_PROCESS, 0, (int)opt.nice) < 0)
        tell(told, "nice", 0);
    if (opt.has_affinity && syscall(SYS_sched_setaffinity, 0, sizeof opt.cpus, opt.cpus) < 0)
        tell(told, "affinity", 0);
}

/* execve, and what POSIX wants of a file that is no program: a script for sh. */
static void execute_file(const char *path)
{
    execve(path, opt.command, environ);
    if (errno != ENOEXEC)
        return;
    size_t count = 1;
    while (opt.command[count])
        count++;
    char *script[count + 2]; /* of words that one exec has carried already */
    script[0] = "/bin/sh";
    script[1] = (char *)path;
    memcpy(script + 2, opt.command + 1, count * sizeof *script);
    execve(*script, script, environ);
}

/* execvp as shim.py does it: musl's leaves scripts without a first line alone. Sets errno. */
static void execute(void)
{
    char path[PATH_ROOM];
    const char *name = *opt.command, *folder = getenv("PATH"), *end;
    int failed = ENOENT;
    if (strchr(name, '/')) {
        execute_file(name);
        return;
    }
    for (folder = folder ? folder : "/bin:/usr/bin";; folder = end + 1) {
        end = strchrnul(folder, ':');
        if ((size_t)snprintf(path, sizeof path, "%.*s%s%s", (int)(end - folder), folder, end > folder ? "/" : "", name) < sizeof path)
            execute_file(path);
        else
            errno = ENAMETOOLONG;
        if (errno != EACCES && errno != ENOENT && errno != ENOTDIR && errno != ENODEV && errno != ESTALE && errno != ETIMEDOUT)
            return;
        if (failed != EACCES)
            failed = errno;
        if (!*end)
            break;
    }
    errno = failed;
}

/* Join the cgroup, which the whole tree of the command then lives in. */
static void join(int told)
{
    char path[PATH_ROOM];
    snprintf(path, sizeof path, "%s/cgroup.procs", opt.cgroup);
    int fd = open(path, O_WRONLY);
    if (fd < 0 || write(fd, "0", 1) < 0)
        tell(told, "cgroup", 0);
    if (fd >= 0)
        close(fd);
}

static void __attribute__((noreturn)) become(int out, int err, int told)
{
    char line[STARTED_ROOM];
    setsid();
    failpoint("before-started");
    for (int64_t pause = 50;; pause = pause > 500 ? 1000 : pause * 2) {
        int n = snprintf(line + 14, sizeof line - 16, "{\"v\":1,\"pid\":%d,\"start\":%llu,%s,\"at\":%lld}", getpid(), start_time(), known,
                         (long long)clock_ns(CLOCK_REALTIME));
        if (write_slot(STARTED, STARTED_ROOM, line, (size_t)n))
            break;
        sleep_ms(pause); /* without this line a second start would be allowed: rather wait */
    }
    failpoint("after-started");
    if (opt.cgroup)
        join(told);
    if (opt.in) {
        int fd = open(opt.in, O_RDONLY);
        if (fd < 0 || (fd && dup2(fd, 0) < 0)) {
            tell(told, "stdin", errno);
            _exit(127);
        }
        if (fd)
            close(fd);
    } else if (opt.live)
        dup2(live_in, 0);
    dup2(out, 1);
    dup2(err, 2);
    restore(told);
    if (opt.umask >= 0)
        umask((mode_t)opt.umask);
    if (opt.cwd && chdir(opt.cwd) < 0) {
        tell(told, "cwd", errno);
        _exit(127);
    }
    let_signals_in();
    execute();
    tell(told, "exec", errno);
    _exit(127);
}

/* ---- the log ---- */

static const char *const stream_names[2] = { "stdout", "stderr" };
/* Both have room for a last block, half of which is beyond the end. */
static char input[WIDE + BLOCK];  /* what is being read; in between the scan for leftovers and the starter of a supervisor borrow it */
static char staged[STAGE + PREFIX + PIECE + BLOCK]; /* records on their way to the file */

struct gap { char reason[40]; int64_t offset, bytes, log, from, to, place; bool untold; };
struct part { int64_t size, bytes, from, to; };

static struct gap loss = { .offset = -1, .place = -1 }, rotated = { .reason = "rotated", .offset = -1, .place = -1 };
static struct part parts[MOST_FILES + 1]; /* newest first; beyond that many nothing is ever removed, and the rest is not needed */
static int64_t part_count, moving = -2;   /* moving: number of the file that is renamed next; -2: no rotation under way */
static int log_fd = -1, gaps_fd = -1;
static int64_t gaps_size, position, missing; /* position: length of the log stream */

static const char *file_name(char *room, const char *suffix, int64_t index)
{
    int n = snprintf(room, PATH_ROOM, "%s%s", opt.output, suffix);
    if (index)
        snprintf(room + n, (size_t)(PATH_ROOM - n), ".%lld", (long long)index);
    return room;
}

static bool tell_gap(struct gap *gap)
{
    char path[PATH_ROOM], record[GAP_SIZE + 1];
    if (!gap->untold)
        return true;
    failpoint("before-gap");
    if (gaps_fd < 0 && (gaps_fd = open(file_name(path, ".gaps", 0), O_WRONLY | O_CREAT | O_CLOEXEC, 0600)) < 0)
        return false;
    int n = snprintf(record, sizeof record, "{\"offset\":%lld,\"bytes\":%lld,\"log\":%lld,\"from\":%lld,\"to\":%lld,\"reason\":\"%s\"}",
                     (long long)gap->offset, (long long)gap->bytes, (long long)gap->log, (long long)gap->from, (long long)gap->to, gap->reason);
    memset(record + n, ' ', (size_t)(GAP_SIZE - n));
    record[GAP_SIZE - 1] = '\n';
    if (write_all(gaps_fd, record, GAP_SIZE, gap->place < 0 ? gaps_size : gap->place) < 0)
        return false;
    if (gap->place < 0) {
        gap->place = gaps_size;
        gaps_size += GAP_SIZE;
    }
    gap->untold = false;
    failpoint("after-gap");
    return true;
}

/* What cannot be told now is tried again before the next chunk and before the result. */
static bool tell_gaps(void)
{
    return tell_gap(&loss) && tell_gap(&rotated);
}

/* What opening, writing and renaming a file may fail with: not every C library knows names. */
static const char *error_name(int code)
{
#define NAMED(error) { error, #error }
    static const struct { int code; const char *name; } names[] = {
        NAMED(EIO), NAMED(EACCES), NAMED(EPERM), NAMED(EROFS), NAMED(ENOENT), NAMED(ENOTDIR), NAMED(EISDIR), NAMED(EEXIST), NAMED(ENOTEMPTY),
        NAMED(EINVAL), NAMED(EBADF), NAMED(ENFILE), NAMED(EMFILE), NAMED(ENOMEM), NAMED(EBUSY), NAMED(ETXTBSY), NAMED(ELOOP),
        NAMED(ENAMETOOLONG), NAMED(EMLINK), NAMED(EXDEV), NAMED(ENODEV), NAMED(ENXIO), NAMED(ENOTCONN), NAMED(ESTALE), NAMED(ETIMEDOUT),
        NAMED(ENOLCK), NAMED(ENOTSUP), NAMED(ENOSYS), NAMED(EUCLEAN), NAMED(EREMOTEIO), NAMED(EHOSTDOWN), NAMED(ENOKEY), NAMED(EFAULT),
    };
#undef NAMED
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i].code == code)
            return names[i].name;
    return NULL;
}

static void lose(int64_t taken, int64_t now, int code)
{
    char reason[sizeof loss.reason];
    const char *name = error_name(code);
    if (code == ENOSPC || code == EDQUOT || code == EFBIG)
        strcpy(reason, "disk full");
    else if (name)
        snprintf(reason, sizeof reason, "cannot write: %.16s", name);
    else
        snprintf(reason, sizeof reason, "cannot write: E%d", code);
    if (!loss.untold && (loss.offset != position || strcmp(loss.reason, reason))) {
        loss = (struct gap){ .offset = position, .from = now, .place = -1 };
        strcpy(loss.reason, reason);
    }
    loss.bytes += taken;
    loss.to = now;
    loss.untold = true;
    missing += taken;
    tell_gaps();
}

/* Remove the second oldest file. Its gap is told before, and after if the disk had no room for that before. */
static void drop(int64_t index)
{
    char path[PATH_ROOM];
    struct part *part = parts + index, *oldest = part + 1;
    if (rotated.offset < 0) {
        rotated.offset = oldest->size;
        rotated.from = part->from;
    }
    rotated.bytes += part->bytes;
    rotated.log += part->size;
    rotated.to = part->to;
    rotated.untold = true;
    missing += part->bytes;
    *part = *oldest;
    part_count--;
    tell_gaps();
    unlink(file_name(path, ".log", index)); /* if that fails the next rename goes over it */
    tell_gaps();
}

/* Make room for a new file. What an error interrupts is taken up again at the same file. */
static int rotate(void)
{
    char from[PATH_ROOM], to[PATH_ROOM];
    failpoint("before-rotate");
    if (moving == -2) {
        moving = part_count - 1;
        if (opt.max_files && part_count >= opt.max_files) {
            drop(moving - 1);
            moving -= 2; /* the oldest keeps its number */
        }
    }
    while (moving >= 0) {
        if (rename(file_name(from, ".log", moving), file_name(to, ".log", moving + 1)) < 0 && errno != ENOENT)
            return -1;
        if (--moving >= 0)
            failpoint("during-rotate");
    }
    moving = -2;
    close(log_fd);
    log_fd = -1;
    memmove(parts + 1, parts, sizeof *parts * (size_t)(part_count < MOST_FILES ? part_count : MOST_FILES));
    memset(parts, 0, sizeof *parts);
    part_count++;
    failpoint("after-rotate");
    return 0;
}

typedef unsigned char block __attribute__((vector_size(BLOCK)));

/* Where the first newline of a block is; BLOCK if it has none. */
static inline size_t newline_in(block bytes)
{
#ifdef __SSE2__
    int found = _mm_movemask_epi8(_mm_cmpeq_epi8((__m128i)bytes, _mm_set1_epi8('\n')));
    return found ? (size_t)__builtin_ctz((unsigned)found) : BLOCK;
#else
    uint64_t found[2];
    size_t n = 0;
    bytes = (block)(bytes == (unsigned char)'\n');
    memcpy(found, &bytes, BLOCK);
    if (!(found[0] | found[1]))
        return BLOCK;
    while (!bytes[n])
        n++;
    return n;
#endif
}

/* Copy up to the next newline, and a little more, which the next copy goes over. Returns how far away it is: more than PIECE is too far.
 * Lines are short: two calls of the C library for each would cost more than all else here. */
static inline size_t copy_line(char *to, const char *from)
{
    size_t n = 0, found;
    do {
        block bytes;
        memcpy(&bytes, from + n, BLOCK);
        memcpy(to + n, &bytes, BLOCK);
        found = newline_in(bytes);
        n += found;
    } while (found == BLOCK && n <= PIECE);
    return n;
}

/* Format records of [p, end), where a newline stands at `end`, behind those that are staged: at most `most` bytes in all, but one record in
 * any case. `prefix` is PREFIX bytes with the tag F. Returns where the rest begins. */
static const char *stage(const char *p, const char *end, const char *prefix, size_t most, size_t *size)
{
    size_t used = *size;
    while (p < end) {
        char *to = staged + used;
        memcpy(to, prefix, PREFIX);
        size_t n = copy_line(to + PREFIX, p);
        bool full = n <= PIECE && p + n < end;
        n = n > PIECE ? PIECE : n;
        if (used && used + PREFIX + n + 1 > most)
            break;
        to[PREFIX - 2] = full ? 'F' : 'P';
        to[PREFIX + n] = '\n';
        used += PREFIX + n + 1;
        p += n + full;
    }
    *size = used;
    return p;
}

/* Write what is staged. */
static int append(size_t size)
{
    char path[PATH_ROOM];
    /* A gap that could not be told yet goes first. If it still cannot, this chunk joins it: one gap, one place. */
    if (!tell_gaps())
        return -1;
    if ((moving > -2 || (opt.max_bytes && part_count && parts->size && parts->size + (int64_t)size > opt.max_bytes)) && rotate() < 0)
        return -1;
    if (log_fd < 0) {
        if ((log_fd = open(file_name(path, ".log", 0), O_WRONLY | O_CREAT | O_CLOEXEC, 0600)) < 0)
            return -1;
        if (!part_count) {
            part_count = 1;
            position = parts->size = lseek(log_fd, 0, SEEK_END);
        }
    }
    struct statvfs told;
    if (opt.keep_free && fstatvfs(log_fd, &told) == 0 && (int64_t)(told.f_bavail * told.f_frsize) < opt.keep_free) {
        errno = ENOSPC; /* the room is there, but not for output */
        return -1;
    }
    if (write_all(log_fd, staged, size, parts->size) < 0) {
        int why = errno;
        if (ftruncate(log_fd, parts->size) < 0) { } /* the next chunk is written over it */
        errno = why;
        return -1;
    }
    return 0;
}

/* "2026-11-22T08:00:00.123456789Z stdout F ". gmtime_r would read the time zone's file and use the heap. */
static void make_prefix(char *prefix, int64_t now, int stream)
{
    static int64_t day = -1;
    static char date[32];
    int64_t seconds = now / SECOND, s = seconds % 86400;
    if (seconds / 86400 != day) { /* days to a civil date, years that begin in March (Howard Hinnant, chrono-compatible date algorithms) */
        day = seconds / 86400;
        int64_t z = day + 719468, era = z / 146097, doe = z % 146097;
        int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365, doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
        int64_t mp = (5 * doy + 2) / 153, month = mp < 10 ? mp + 3 : mp - 9;
        snprintf(date, sizeof date, "%04d-%02d-%02dT", (int)(yoe + era * 400 + (month <= 2)), (int)month, (int)(doy - (153 * mp + 2) / 5 + 1));
    }
    snprintf(prefix, PREFIX + 1, "%.11s%02d:%02d:%02d.%09dZ %s F ", date, (int)(s / 3600), (int)(s / 60 % 60), (int)(s % 60), (int)(now % SECOND),
             stream_names[stream]);
}

static struct { size_t size; int64_t bytes, from, to; } chunk; /* what is staged, and of how many of the command's bytes */

/* Write the chunk: to one file, unless it alone is larger than a file may be. */
static void flush(void)
{
    if (!chunk.size)
        return;
    failpoint("before-output");
    if (append(chunk.size) < 0)
        lose(chunk.bytes, chunk.to, errno);
    else {
        parts->from = parts->from ? parts->from : chunk.from;
        parts->to = chunk.to;
        parts->size += (int64_t)chunk.size;
        parts->bytes += chunk.bytes;
        position += (int64_t)chunk.size;
    }
    chunk.size = 0;
    chunk.bytes = chunk.from = 0;
    failpoint("after-output");
}

/* Stage what one read returned. While more lies in the pipes several reads become one chunk: it is written when it is large, and before we wait
 * for anything. Large writes get large pages of the cache: half the price. */
static void keep(int stream, const char *p, size_t length)
{
    char prefix[64];
    const char *end = p + length;
    size_t most = opt.max_bytes && opt.max_bytes < STAGE ? (size_t)opt.max_bytes : STAGE;
    bool gather = !opt.max_bytes || opt.max_bytes >= FILES_WIDE;
    int64_t now = clock_ns(CLOCK_REALTIME);
    make_prefix(prefix, now, stream);
    while (p < end) {
        const char *q = stage(p, end, prefix, most, &chunk.size);
        chunk.from = chunk.from ? chunk.from : now;
        chunk.to = now;
        chunk.bytes += q - p;
        p = q;
        if (p < end || !gather || chunk.size >= GATHER)
            flush();
    }
}

/* ---- the lifeline ---- */

static bool watched, left; /* left: there was no `start` file: the supervisor left on purpose */
static int64_t look_at, look_pause = FIRST_LOOK; /* look_at: monotonic ns; 0: the lifeline is whole */

/* Moves a descriptor out of reach of any dup2; close-on-exec. Passes -1 through. */
static int high(int fd)
{
    int moved = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, LIFELINE + 1);
    if (fd >= 0)
        close(fd);
    return moved;
}

static void __attribute__((noreturn)) become_supervisor(char **words, int lock, char *home)
{
    char *environment[] = { "PATH=/usr/local/bin:/usr/bin:/bin", "OUTLAST_MARK=supervisor", home, NULL };
    setsid();
    umask(077);
    int nothing = high(open("/dev/null", O_RDWR));
    if (chdir("/") == 0 && dup2(nothing, 0) == 0 && dup2(nothing, 1) == 1 && dup2(nothing, 2) == 2 && dup2(lock, 3) == 3) {
        default_signals();
        let_signals_in();
        execve(*words, words, environment);
    }
    _exit(127);
}

static void start_supervisor(void)
{
    static char *words[MOST_WORDS + 1];
    char path[PATH_ROOM], *home = getenv("HOME");
    snprintf(path, sizeof path, "%s/supervisor.lock", opt.home);
    int lock = high(open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600)), count = 0;
    if (lock < 0)
        return;
    if (flock(lock, LOCK_EX | LOCK_NB) == 0) {
        snprintf(path, sizeof path, "%s/start", opt.home);
        ssize_t n = read_file(path, input, sizeof input);
        for (char *p = input, *end; n > 0 && count < MOST_WORDS && p < input + n && (end = memchr(p, 0, (size_t)(input + n - p))); p = end + 1)
            words[count++] = p;
        words[count] = NULL;
        left = !count || !**words;
        if (!left) {
            failpoint("before-start-supervisor");
            if (vfork() == 0)
                become_supervisor(words, lock, home ? home - 5 : NULL); /* the whole entry, HOME=... */
            failpoint("after-start-supervisor");
        }
    }
    close(lock);
}

/* Start a supervisor if the lifeline is broken and nobody else does; say when to look again. */
static void look(void)
{
    struct pollfd p = { LIFELINE, 0, 0 };
    if (poll(&p, 1, 0) > 0 && p.revents & POLLHUP) {
        start_supervisor();
        look_at = clock_ns(CLOCK_MONOTONIC) + look_pause * 1000000;
        look_pause = look_pause * 2 > 30000 ? 30000 : look_pause * 2;
    } else {
        look_at = 0;
        look_pause = FIRST_LOOK;
    }
}

/* ---- the run ---- */

struct stream {
    int pipe;                     /* read end; -1 when closed */
    int64_t count;
    int busy;                     /* reads in a row that found much; stays at BUSY */
    bool drained, front;
    int refused;                  /* errno of a write to the client that no reader's leaving explains */
    char *rest;                   /* read and not yet taken by the client: [head, tail) of `room` bytes, mapped when needed */
    size_t head, tail, room;
};
static struct stream streams[2] = { { .pipe = -1, .drained = true }, { .pipe = -1, .drained = true } };
static int told = -1;             /* read end of the error pipe */
static pid_t pid;
static int fork_error, status;
static const char *failed_stage = "fork";
static struct rusage used;
static int64_t ended;             /* ns since the epoch; 0: the command lives */
static bool childless, subreaper, recorded;
static int64_t grace_end, record_at, record_pause = 50;
static char result[RESULT_ROOM];
static size_t result_length;

static int make_fifo(const char *path)
{
    unlink(path);
    return mkfifo(path, 0600) < 0 ? -1 : open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
}

static const char *end_name(char *room)
{
    snprintf(room, PATH_ROOM, "%s.end", opt.live);
    return room;
}

/* Make both FIFOs. O_RDWR would be a reader: nobody could see that none is left. Sets errno. */
static bool open_live(void)
{
    char path[PATH_ROOM];
    if ((live_end = make_fifo(end_name(path))) < 0 || (live_in = make_fifo(opt.live)) < 0)
        return false;
    live = open(opt.live, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    return live >= 0 && fcntl(live_in, F_SETFL, 0) == 0;
}

/* No more senders; the command reads what is there, and its end when those that are here have left. */
static void close_live(void)
{
    char path[PATH_ROOM];
    if (!opt.live)
        return;
    unlink(opt.live);
    unlink(end_name(path));
    close(live);
    close(live_end);
    live = live_end = -1;
    opt.live = NULL;
}

static void spawn(void)
{
    int p[6] = { -1, -1, -1, -1, -1, -1 };
    failpoint("before-spawn");
    identify();
    for (int i = 0; i < 6 && !fork_error; i += 2) {
        if (pipe2(p + i, O_CLOEXEC) < 0) /* none of them is a target of a dup2: 0 to 4 are taken */
            fork_error = errno;
    }
    if (opt.live && !fork_error && !open_live()) {
        fork_error = errno;
        failed_stage = "stdin";
    }
    if (!fork_error) {
        forked_at = boot_ticks();
        spawned_at = clock_ns(CLOCK_MONOTONIC);
        pid = opt.in ? fork() : vfork(); /* the opening of a FIFO may block for ever, and vfork would block us with it */
        if (pid == 0)
            become(p[1], p[3], p[5]);
        if (pid < 0)
            fork_error = errno;
    }
    for (int i = 0; i < 6; i++)
        if (p[i] >= 0 && (i % 2 || fork_error))
            close(p[i]);
    close(live_in);
    if (fork_error) {
        ended = clock_ns(CLOCK_REALTIME);
        close_live();
        return;
    }
    for (int s = 0; s < 2; s++) {
        streams[s] = (struct stream){ .pipe = p[2 * s], .front = opt.front };
        fcntl(p[2 * s], F_SETFL, O_RDONLY | O_NONBLOCK);
    }
    told = p[4];
    failpoint("after-spawn");
}

static void stop_passing(struct stream *s, int refused)
{
    s->refused = refused;
    s->front = false;
    s->head = s->tail = 0;
}

static void hold(struct stream *s, const char *data, size_t n)
{
    if (s->head) {
        memmove(s->rest, s->rest + s->head, s->tail - s->head);
        s->tail -= s->head;
        s->head = 0;
    }
    if (s->tail + n > s->room) {
        size_t room = s->tail + n + CHUNK;
        char *rest = s->rest ? mremap(s->rest, s->room, room, MREMAP_MAYMOVE)
                             : mmap(NULL, room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (rest == MAP_FAILED) {
            stop_passing(s, ENOMEM);
            return;
        }
        s->rest = rest;
        s->room = room;
    }
    memcpy(s->rest + s->tail, data, n);
    s->tail += n;
}

/* One read of one stream; the number of bytes, 0 also at its end. */
static size_t read_stream(int i)
{
    struct stream *s = streams + i;
    ssize_t n = read(s->pipe, input, s->busy < BUSY ? CHUNK : WIDE);
    if (n < 0)
        return 0;
    if (n == 0) {
        close(s->pipe);
        s->pipe = -1;
        s->drained = true;
        return 0;
    }
    s->count += n;
    if (s->busy < BUSY) {
        s->busy = n > CHUNK / 2 && (!opt.max_bytes || opt.max_bytes >= FILES_WIDE) ? s->busy + 1 : 0;
        if (s->busy == BUSY)
            fcntl(s->pipe, F_SETPIPE_SZ, WIDE); /* may be refused: then reads stay as they are */
    }
    input[n] = '\n'; /* ends the search for lines */
    if (opt.kept[i])
        keep(i, input, (size_t)n);
    if (s->front)
        hold(s, input, (size_t)n);
    return (size_t)n;
}

/* The grace is over: take what lies in the pipe, then let whoever still writes get EPIPE. */
static void finish(int i)
{
    int in_pipe = 0;
    if (streams[i].pipe < 0)
        return;
    ioctl(streams[i].pipe, FIONREAD, &in_pipe);
    for (int64_t rest = in_pipe, n; rest >= 0 && (n = (int64_t)read_stream(i)) > 0;)
        rest -= n;
    if (streams[i].pipe >= 0)
        close(streams[i].pipe);
    streams[i].pipe = -1;
}

/* Does an error of a write mean that the reader is gone, which harms nobody? */
static bool reader_left(int fd, int error)
{
    struct stat found;
    return error == EPIPE || error == ECONNRESET || (error == EIO && !(fstat(fd, &found) == 0 && S_ISREG(found.st_mode)));
}

/* Give the client what it takes now. Its descriptors share their open file with a shell: never non-blocking. */
static void pass_on(int i, int events)
{
    struct stream *s = streams + i;
    while (s->head < s->tail && events) {
        size_t n = s->tail - s->head;
        ssize_t done = events & (POLLERR | POLLNVAL) ? -1 : write(1 + i, s->rest + s->head, n < PASS_SIZE ? n : PASS_SIZE);
        if (done < 0) {
            int error = events & (POLLERR | POLLNVAL) ? EPIPE : errno;
            if (error != EAGAIN && error != EINTR)
                stop_passing(s, reader_left(1 + i, error) ? 0 : error);
            return;
        }
        s->head += (size_t)done;
        struct pollfd p = { 1 + i, POLLOUT, 0 };
        events = poll(&p, 1, 0) > 0 ? p.revents : 0;
    }
}

/* Take the exit of every child: the command and what it left to its subreaper. */
static void reap(void)
{
    int raw;
    struct rusage usage;
    pid_t who;
    while ((who = wait4(-1, &raw, WNOHANG, &usage)) > 0)
        if (who == pid && !ended) {
            ended = clock_ns(CLOCK_REALTIME);
            grace_end = clock_ns(CLOCK_MONOTONIC) + opt.grace * 1000000;
            status = raw;
            used = usage;
            close_live(); /* before the result: whoever knows it finds none of them */
        }
    childless = who < 0;
}

/* Does the environment of a process hold the entry? Read by pieces that overlap by the length of the entry and its two ends. */
static bool has_entry(const char *path, const char *entry, size_t length)
{
    size_t wanted = length + 2, n = 1;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool found = false;
    if (fd < 0)
        return false;
    input[0] = 0;
    for (ssize_t got; !found;) {
        got = read(fd, input + n, sizeof input - n - 1);
        n += got > 0 ? (size_t)got : 0;
        if (got <= 0)
            input[n++] = 0; /* an entry may lack its end */
        for (char *p = input; !found && n >= wanted && (p = memmem(p, n - (size_t)(p - input), entry, length)); p++)
            found = p > input && !p[-1] && p + length < input + n && !p[length];
        if (got <= 0)
            break;
        if (n > wanted) {
            memmove(input, input + n - wanted, wanted);
            n = wanted;
        }
    }
    close(fd);
    return found;
}

/* Living processes whose environment holds our mark. Zombies have none. */
static int count_marked(void)
{
    const char *mark = getenv("OUTLAST_MARK");
    DIR *folder = mark && strlen(mark) < CHUNK / 4 ? opendir("/proc") : NULL;
    struct dirent *item;
    char path[300];
    int found = 0;
    while (folder && (item = readdir(folder)))
        if (*item->d_name >= '0' && *item->d_name <= '9' && atoi(item->d_name) != shim_pid) {
            snprintf(path, sizeof path, "/proc/%s/environ", item->d_name);
            found += has_entry(path, mark - 13, strlen(mark) + 13); /* the whole entry, OUTLAST_MARK=... */
        }
    if (folder)
        closedir(folder);
    return found;
}

static void compose(void)
{
    char unrestored[512] = "", heard[1024], stage[8] = "";
    int error = fork_error, value;
    size_t at = 0;
    if (fork_error)
        strcpy(stage, failed_stage);
    ssize_t n = told >= 0 ? read(told, heard, sizeof heard - 1) : 0; /* all is there: the writer is dead or has exec'ed */
    heard[n < 0 ? 0 : n] = 0;
    for (char *line = strtok(heard, "\n"), word[16]; line; line = strtok(NULL, "\n")) {
        if (sscanf(line, "%15s %d", word, &value) != 2)
            continue;
        bool limit = !strcmp(word, "rlimit");
        if (limit || !strcmp(word, "nice") || !strcmp(word, "affinity") || !strcmp(word, "cgroup"))
            at += (size_t)snprintf(unrestored + at, sizeof unrestored - at, limit ? "%s\"%s:%d\"" : "%s\"%s\"", at ? "," : "", word, value);
        else {
            snprintf(stage, sizeof stage, "%.7s", word);
            error = value;
        }
    }
    if (*stage)
        memset(&used, 0, sizeof used);
    int leftovers = subreaper && childless ? 0 : count_marked();
    flush();
    tell_gaps();
    char raw[16] = "null";
    if (!*stage)
        snprintf(raw, sizeof raw, "%d", status);
    result_length = (size_t)snprintf(
        result + 14, sizeof result - 16,
        "{\"v\":1,\"run\":\"%s\",\"at\":%lld,\"status\":%s,\"error\":%d,\"stage\":\"%s\",\"utime\":%lld,\"stime\":%lld,\"max_rss\":%lld,\"stdout\":%lld,"
        "\"stderr\":%lld,\"log\":%lld,\"missing\":%lld,\"leftovers\":%d,\"drained\":%s,\"unrestored\":[%s],\"passed\":[%d,%d]}",
        opt.run, (long long)ended, raw, error, stage, used.ru_utime.tv_sec * 1000000LL + used.ru_utime.tv_usec,
        used.ru_stime.tv_sec * 1000000LL + used.ru_stime.tv_usec, used.ru_maxrss * 1024LL, (long long)streams[0].count,
        (long long)streams[1].count, (long long)position, (long long)missing, leftovers,
        streams[0].drained && streams[1].drained ? "true" : "false", unrestored, streams[0].refused, streams[1].refused);
}

/* The result is on the disk before anybody is told of it. A supervisor that lives puts it there with its own record: then only what took
 * longer than any sync is worth a second one. */
static bool make_durable(void)
{
    struct pollfd lifeline = { LIFELINE, 0, 0 };
    if (watched && clock_ns(CLOCK_MONOTONIC) - spawned_at < SECOND && poll(&lifeline, 1, 0) == 0)
        return true;
    return fdatasync(STATE) == 0 || errno == EINVAL || errno == ENOSYS || errno == EOPNOTSUPP;
}

/* Write the result; again and again while the disk refuses, but never lose it. */
static void record(void)
{
    failpoint("before-result");
    if (write_slot(RESULT, RESULT_ROOM, result, result_length) && make_durable()) {
        recorded = true;
        failpoint("after-result");
        return;
    }
    record_at = clock_ns(CLOCK_MONOTONIC) + record_pause * 1000000;
    record_pause = record_pause > 500 ? 1000 : record_pause * 2;
}

/* Wait and do what is due until the result is written and the client has all. */
static void serve(void)
{
    sigset_t all_but_child;
    fill(&all_but_child);
    sigdelset(&all_but_child, SIGCHLD);
    for (;;) {
        int64_t now = clock_ns(CLOCK_MONOTONIC), due = 0;
        if (ended && !result_length && ((streams[0].pipe < 0 && streams[1].pipe < 0) || now >= grace_end)) {
            finish(0);
            finish(1);
            for (int i = 0; i < 2; i++) { /* a file takes all at once: its errors are in the result */
                struct pollfd ready = { 1 + i, POLLOUT, 0 };
                if (streams[i].head < streams[i].tail && poll(&ready, 1, 0) > 0)
                    pass_on(i, ready.revents);
            }
            compose();
        }
        if (result_length && !recorded && now >= record_at)
            record();
        if (recorded && streams[0].head == streams[0].tail && streams[1].head == streams[1].tail)
            return;
        if (look_at && now >= look_at)
            look();

        struct pollfd p[6] = { { LIFELINE, 0, 0 }, [5] = { live_end, POLLIN, 0 } };
        if (!watched || look_at)
            p[0].fd = -1;
        for (int i = 0; i < 2; i++) {
            struct stream *s = streams + i;
            size_t waiting = s->tail - s->head;
            p[1 + i] = (struct pollfd){ !waiting || (ended && waiting < HELD_BACK) ? s->pipe : -1, POLLIN, 0 };
            p[3 + i] = (struct pollfd){ waiting ? 1 + i : -1, POLLOUT, 0 };
        }
        if (look_at)
            due = look_at;
        if (ended && !result_length && (!due || grace_end < due))
            due = grace_end;
        if (result_length && !recorded && (!due || record_at < due))
            due = record_at;
        now = clock_ns(CLOCK_MONOTONIC);
        int64_t rest = due > now ? due - now : 0;
        struct timespec t = { rest / SECOND, rest % SECOND };
        if (chunk.size)
            t = (struct timespec){ 0 };
        /* SIGCHLD is let in here and nowhere else: no race, no descriptor. */
        int ready = ppoll(p, 6, due || chunk.size ? &t : NULL, &all_but_child);
        reap(); /* always: streams that are always ready would keep the signal out */
        if (ready <= 0) {
            flush();
            continue;
        }
        if (p[0].revents) {
            watched = p[0].revents & POLLHUP; /* anything else is no lifeline and would spin */
            look();
        }
        for (int i = 0; i < 2; i++) {
            if (p[1 + i].revents)
                read_stream(i);
            if (p[3 + i].revents)
                pass_on(i, p[3 + i].revents);
        }
        if (p[5].revents)
            close_live();
    }
}

/* ---- beginning and end ---- */

static void on_child(int number) { (void)number; }

static void close_strangers(void)
{
#ifdef SYS_close_range
    if (syscall(SYS_close_range, LIFELINE + 1, ~0U, 0) == 0)
        return;
#endif
    for (long fd = sysconf(_SC_OPEN_MAX); fd > LIFELINE; fd--)
        close((int)fd);
}

/* Step 1: descriptors, signals, session. */
static void prepare(void)
{
    sigset_t all;
    fill(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    shim_pid = getpid();
    if (!*space) /* else we are a guard's, which has done it */
        default_signals();
    for (int fd = 1; fd < 3; fd++)
        if (fcntl(fd, F_GETFD) < 0) { /* or the log might get the number that the client's output goes to */
            int nothing = open("/dev/null", O_RDWR);
            if (nothing != fd && dup2(nothing, fd) == fd)
                close(nothing);
        }
    close_strangers();
    fcntl(STATE, F_SETFD, FD_CLOEXEC);
    watched = fcntl(LIFELINE, F_SETFD, FD_CLOEXEC) == 0 && opt.home;
    setsid();
}

/* Own the run that the words after the program's name tell of, from here to its end. */
static void __attribute__((noreturn)) own(char **words)
{
    parse(words);
    prepare();
    struct sigaction act = { .sa_handler = on_child };
    sigset_t all;
    fill(&all);
    sigaction(SIGCHLD, &act, NULL);
    sigprocmask(SIG_SETMASK, &all, NULL); /* musl lets 33 and 34 in with the first handler */
    subreaper = prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0;
    spawn();
    serve();
    _exit(0);
}

/* ---- the guard: starts the next supervisor when this one is killed, and forks shims at its word ---- */

static char *title, *title_end; /* where the kernel looks for our arguments */

/* Let `ps` and everybody who reads /proc/PID/cmdline see the words of the run, as far as there is room. */
static void show(char **words)
{
    char *to = title + strlen(title) + 1;
    for (; *words && to + strlen(*words) < title_end; words++)
        to = stpcpy(to, *words) + 1;
    memset(to, 0, (size_t)(title_end - to));
}

/* Take the next request, if there is one, and fork a shim for it. False when the supervisor is gone. */
static bool fork_shim(void)
{
    static char request[REQUEST + 1], *strings[MOST_STRINGS + 1]; /* not `staged`: the shim's words stay here */
    union { char room[CMSG_SPACE(HANDED * sizeof(int))]; struct cmsghdr aligned; } in = { 0 }, out = { 0 };
    struct iovec text = { request, REQUEST };
    struct msghdr message = { .msg_iov = &text, .msg_iovlen = 1, .msg_control = in.room, .msg_controllen = sizeof in.room };
    ssize_t n = recvmsg(STATE, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    if (n <= 0)
        return n < 0 && (errno == EAGAIN || errno == EINTR);

    int fds[HANDED], handed = 0, count = 0, words = 0, error = 0, pidfd = -1;
    struct cmsghdr *item = CMSG_FIRSTHDR(&message);
    if (item && item->cmsg_level == SOL_SOCKET && item->cmsg_type == SCM_RIGHTS) {
        handed = (int)((item->cmsg_len - CMSG_LEN(0)) / sizeof(int));
        memcpy(fds, CMSG_DATA(item), (size_t)handed * sizeof(int));
    }
    request[n] = 0;
    char *p = request + strlen(request) + 1, serial[32] = "";
    if (sscanf(request, "%31s %d", serial, &words) != 2 || words < 1 || handed != HANDED || message.msg_flags & MSG_TRUNC)
        error = EINVAL;
    for (; p < request + n; p += strlen(p) + 1) {
        if (count == words && !error)
            strings[count++] = NULL; /* the words end, the environment begins */
        if (count >= MOST_STRINGS)
            error = E2BIG;
        if (error)
            break;
        strings[count++] = p;
    }
    strings[count] = NULL;
    if (!error && words >= count)
        error = EINVAL;
    forked_at = boot_ticks();
    pid_t child = error ? -1 : (pid_t)syscall(SYS_clone, CLONE_PIDFD | SIGCHLD, NULL, &pidfd, NULL, 0);
    if (child == 0) {
        for (int i = 0; i < HANDED; i++)
            dup2(fds[i], i); /* 0 to 4 are taken: none of them is a target */
        environ = strings + words + 1;
        show(strings);
        own(strings);
    }
    for (int i = 0; i < handed; i++)
        close(fds[i]);

    char told[64];
    text = (struct iovec){ told, (size_t)snprintf(told, sizeof told, "%s %d", serial, child < 0 ? -(error ? error : errno) : child) };
    message = (struct msghdr){ .msg_iov = &text, .msg_iovlen = 1 };
    if (child > 0) {
        message.msg_control = out.room;
        message.msg_controllen = CMSG_SPACE(sizeof(int));
        item = CMSG_FIRSTHDR(&message);
        *item = (struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS };
        memcpy(CMSG_DATA(item), &pidfd, sizeof(int));
    }
    while (sendmsg(STATE, &message, MSG_NOSIGNAL) < 0 && errno == EINTR) { } /* nobody there: the next supervisor finds it by its lock */
    if (child > 0)
        close(pidfd);
    return true;
}

/* Serve until the lifeline breaks; then leave when somebody is attached again or nobody wants to be. */
static void guard(void)
{
    struct pollfd p[2] = { { LIFELINE, 0, 0 }, { STATE, POLLIN, 0 } };
    struct stat control;
    sigset_t all_but_term, term;
    fill(&all_but_term);
    sigdelset(&all_but_term, SIGTERM);
    sigemptyset(&term);
    sigaddset(&term, SIGTERM);
    signal(SIGTERM, SIG_DFL);
    signal(SIGCHLD, SIG_IGN); /* nobody waits for the shims; their pidfds tell */
    learn_where();
    clock_fits = boot_ticks() - start_time() < 1000; /* ticks since we began: a few, or nonsense */
    if (fstat(STATE, &control) < 0 || !S_ISSOCK(control.st_mode))
        p[1].fd = -1;
    else if (send(STATE, "ready", 5, MSG_NOSIGNAL) < 0) { }
    while (!p[0].revents) {
        if (ppoll(p, 2, NULL, &all_but_term) < 0)
            p[0].revents = p[1].revents = 0;
        if (p[1].revents && !fork_shim())
            p[1].fd = -1;
    }
    close(STATE); /* what was asked and not done is done by the next supervisor */
    sigprocmask(SIG_UNBLOCK, &term, NULL);
    for (look(); look_at && !left; look())
        sleep_ms((look_at - clock_ns(CLOCK_MONOTONIC)) / 1000000 + 1);
}

int main(int argc, char **argv)
{
    if (argc == 2 && !strcmp(argv[1], "version"))
        return puts("outlast-shim 1 (c)") < 0;
    title = argv[0];
    title_end = argv[argc - 1] + strlen(argv[argc - 1]) + 1;
    if (argc < 2 || strcmp(argv[1], "guard"))
        own(argv + 1);
    parse(argv + 1);
    prepare();
    guard();
    return 0;
}
