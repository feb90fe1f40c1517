"""Several verbs of the store as one durable commit."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType

    from outlast.store.store import Store


class Batch:
    """`with store.batch():` groups verbs into one transaction; nests by joining the outer one, which is our own thread's."""

    __slots__ = ("_changes", "_outer", "_store", "_transaction")

    def __init__(self, store: "Store") -> None:
        """See `Store.batch`."""
        self._store = store
        self._outer = False

    def __enter__(self) -> "Store":
        """Begin, unless one is under way."""
        self._store.database.lock.acquire()
        try:
            return self._begin()
        except BaseException:
            self._store.database.lock.release()
            raise

    def _begin(self) -> "Store":
        self._outer = self._store._in_batch  # noqa: SLF001  # its other half
        if self._outer:
            self._changes = self._store.database.connection.total_changes
        else:
            self._transaction = self._store.database.write()
            self._transaction.__enter__()
            self._store._in_batch = True  # noqa: SLF001
            self._store._ended = 0  # noqa: SLF001
            self._store._environment = ""  # noqa: SLF001
            self._store._model = None  # noqa: SLF001
            self._store._events = []  # noqa: SLF001
            self._store._fronted = self._store._needed = self._store._ruled = None  # noqa: SLF001
            self._store.kept_by = {}
            self._store.changed = []
            self._store.joined = set()
            self._store.open_group = None
        return self._store

    def __exit__(self, kind: "type[BaseException] | None", error: BaseException | None, trace: "TracebackType | None") -> None:
        """Commit, durably, or change nothing."""
        try:
            self._finish(kind, error, trace)
        finally:
            self._store.database.lock.release()

    def _finish(self, kind: "type[BaseException] | None", error: BaseException | None, trace: "TracebackType | None") -> None:
        if self._outer:
            if error is not None and self._store.database.connection.total_changes != self._changes:
                self._store.database.spoil(error)  # half of it must not be committed by whoever catches this
            return
        store = self._store
        store._in_batch = False  # noqa: SLF001
        written, store._runs = store._runs, {}  # noqa: SLF001  # what is not committed was never so
        try:
            if kind is None and store._events:  # noqa: SLF001
                store.database.execute_many(store.database.queries["insert-event"], store._events)  # noqa: SLF001
            if kind is None and store._ended:  # noqa: SLF001
                store.database.execute(store.database.queries["count-ended"], (store._ended,))  # noqa: SLF001
            if kind is None and store.kept_by:
                self._note_kept(store)
        finally:
            self._transaction.__exit__(kind, error, trace)  # it knows of what failed
        if kind is None:
            store._runs = written  # noqa: SLF001

    @staticmethod
    def _note_kept(store: "Store") -> None:
        """Write how much more, or less, output is kept."""
        from outlast.store.rows import as_stored_text

        for group, size in store.kept_by.items():
            name = "kept" if group is None else as_stored_text(f"kept:{group}")
            store.database.execute(store.database.queries["add-kept"], (name, size))
