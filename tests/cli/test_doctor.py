"""`outlast doctor`: whether all is in order, and what to do where it is not."""


def checks(told):
    return {check["name"]: check["verdict"] for check in told.json["checks"]}


def test_a_home_that_is_not_made_is_healthy(outlast):
    told = outlast("doctor", status=0)
    assert told.text.endswith("\nhealthy")
    assert "home" in told.text
    assert not outlast.home.exists()


def test_healthy(past):
    told = past("doctor", "--json", status=0)
    assert {"schema", "healthy", "checks"} == set(told.json)
    assert told.json["healthy"] is True
    assert {"home", "space", "sqlite", "database", "runs", "supervisor", "shim", "python", "kernel"} <= set(checks(told))
    assert "bad" not in checks(told).values()
    assert all({"name", "verdict", "text"} == set(check) for check in told.json["checks"])
    assert b"" == past("doctor", "-q", status=0).stderr


def test_which_shim_is_in_use(outlast):
    text = outlast("doctor", "--json", env={"OUTLAST_SHIM": "python"}).json["checks"]
    assert any(check["name"] == "shim" and "Python" in check["text"] for check in text)


def test_an_open_home_is_bad(outlast):
    outlast("wait", str(outlast.run("--", "true")), status=0)
    outlast.home.chmod(0o755)
    told = outlast("doctor", status=1)
    assert f"chmod 700 {outlast.home}" in told.text
    assert "bad" == checks(outlast("doctor", "--json"))["home"]


def test_a_damaged_database_is_bad(outlast):
    outlast("wait", str(outlast.run("--", "true")), status=0)
    outlast("supervisor", "stop", status=0)
    (outlast.home / "outlast.db").write_bytes(b"no database at all" * 1000)
    for path in outlast.home.glob("outlast.db-*"):
        path.unlink()
    told = outlast("doctor", "--json", status=1)
    assert "bad" == checks(told)["database"]
