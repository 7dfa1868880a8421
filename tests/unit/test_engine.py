"""The engine of surveys over the network: tries, limits, resuming, and what never leaves it."""

import asyncio
import datetime
import email.utils
import io
import json
import subprocess
import sys
import textwrap
import time
from dataclasses import dataclass
from pathlib import Path

import httpx
import numpy as np
import pandas as pd
import pytest
from tests.servers._faults import Faults
from tests.servers._run import make, serving
from tests.servers._sky import Sky

from hoag.network import replies, session
from hoag.network.contract import Piece
from hoag.network.journal import Final, Journal, object_key
from hoag.surveys import hips, hsc, legacy
from hoag.surveys._types import Cutout, Failure

ROOT = Path(__file__).parents[2]
QUICK = {"backoff_s": 0.01, "connections": 4, "size_px": 16}
PATHS = {"legacy": "/viewer", "hips": "/hips-image-services/hips2fits", "hsc": "/das_cutout"}
MODULES = {"legacy": legacy, "hips": hips, "hsc": hsc}


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SSP_PDR_USR", "name@local")
    monkeypatch.setenv("SSP_PDR_PWD", "secret")
    return tmp_path


def targets(n, step_deg=0.01):
    ids = [f"object-{i:03}" for i in range(n)]
    return pd.DataFrame({"object_id": ids, "ra_deg": 150 + step_deg * np.arange(n), "dec_deg": 2.0})


@dataclass
class Service:
    """A stand-in with its faults, and the survey that asks it."""

    kind: str
    faults: Faults
    url: str

    def fetch(self, wanted, **options):
        module = MODULES[self.kind]
        chosen = module.Options(base_url=self.url + PATHS[self.kind], **(QUICK | options))
        answers = list(module.fetch(wanted, module.Batch(), chosen, seed=0, name="first"))
        assert [a.object_id for a in answers] == list(wanted["object_id"])
        return answers

    @property
    def n_requests(self):
        return self.faults.stats.count()


@pytest.fixture
def serve():
    """Start a stand-in: kind, faults and sky -> `Service`."""
    running = []

    def start(kind, mix=None, *, sky=None, seed=0, **options):
        app = Faults(make(kind, sky or Sky()), mix, seed, **({"retry_after_s": 0.05} | options))
        server = serving(app)
        running.append(server)
        return Service(kind, app, server.__enter__())

    yield start
    for server in running:
        server.__exit__(None, None, None)


def images(answers):
    return [a for a in answers if isinstance(a, Cutout)]


# --- each fault


def test_what_a_try_says_of_an_object_outlives_the_rest_s_failure(monkeypatch):
    async def ask(*_):
        yield Piece("object-000", "g", b"no image", "")
        raise session.TryAgainError("http_503", "busy")

    monkeypatch.setattr(hsc, "ask", ask)
    chosen = hsc.Options(**QUICK, retries=0)
    first, second = hsc.fetch(targets(2), hsc.Batch(), chosen, seed=0, name="first")
    assert (first.status, second.status) == ("invalid", "http_503")


@pytest.mark.parametrize("kind", ["legacy", "hsc"])
@pytest.mark.parametrize(
    "fault",
    ["error_500", "error_502", "error_503", "too_many", "too_many_date", "reset", "truncate",
     "html", "wrong_size"],
)  # fmt: skip
def test_a_fault_is_met_with_another_try(serve, kind, fault):
    service = serve(kind, script=[fault, fault], retry_after_s=0.2)
    (answer,) = service.fetch(targets(1), read_timeout_s=5)
    assert isinstance(answer, Cutout)
    (undisturbed,) = serve(kind).fetch(targets(1))
    np.testing.assert_array_equal(answer.pixels, undisturbed.pixels)
    if (kind, fault) != ("hsc", "truncate"):  # there single bands may come whole
        assert service.n_requests == 3


@pytest.mark.parametrize("fault", ["all_nan", "all_zero"])
def test_an_empty_answer_is_believed_when_it_comes_twice(serve, fault):
    once = serve("legacy", script=[fault])
    assert images(once.fetch(targets(1))) and once.n_requests == 2
    twice = serve("legacy", script=[fault, fault])
    (answer,) = twice.fetch(targets(1))
    assert (answer.status, twice.n_requests) == ("no_data", 2)
    assert answer.reason == "found 100 % of g empty, allowed: 50 %"
    twice.fetch(targets(1))
    assert twice.n_requests == 2, "and is final"


def test_a_server_that_hangs_is_left_alone_in_time(serve):
    service = serve("legacy", script=["hang"])
    started = time.monotonic()
    assert images(service.fetch(targets(1), read_timeout_s=0.2))
    (answer,) = serve("legacy", {"hang": 1.0}).fetch(targets(1), read_timeout_s=0.2, retries=1)
    assert (answer.status, answer.attempts) == ("timeout", 2)
    assert time.monotonic() - started < 5


def test_a_reply_that_drips_may_take_so_long_and_no_longer(serve):
    service = serve("legacy", {"drip": 1.0}, drip_bytes=512, drip_s=0.05)
    (answer,) = service.fetch(targets(1), total_timeout_s=0.2, retries=0)
    assert answer.status == "timeout"
    assert images(service.fetch(targets(1), total_timeout_s=30))


def test_other_bands_than_asked_for_are_no_image(serve):
    (answer,) = serve("legacy", {"wrong_bands": 1.0}).fetch(targets(1), retries=1)
    assert (answer.status, answer.attempts) == ("invalid", 2)
    assert "allowed: 'grz'" in answer.reason
    (answer,) = serve("legacy").fetch(targets(1), layer="nowhere", retries=0)
    assert answer.reason == "found 'no such layer', allowed: a FITS file"


def test_outside_the_footprint(serve):
    sky = Sky(footprint=(150.015, 160, -10, 10))
    for kind, status in (("legacy", "outside"), ("hips", "no_data"), ("hsc", "no_data")):
        answers = serve(kind, sky=sky).fetch(targets(4))
        assert [isinstance(a, Cutout) for a in answers] == [False, False, True, True]
        assert [a.status for a in answers[:2]] == [status, status]


@pytest.mark.parametrize("fault", ["duplicate_members", "missing_members", "changed_order"])
def test_a_bulk_reply_is_read_by_its_line_numbers(serve, fault):
    service = serve("hsc", script=[fault])
    expected = serve("hsc").fetch(targets(7))
    for answer, other in zip(service.fetch(targets(7)), expected, strict=True):
        np.testing.assert_array_equal(answer.pixels, other.pixels)
    assert service.n_requests == 1 + (fault == "missing_members")


def test_objects_outside_a_coverage_map_are_not_asked_for(serve, folder):
    from astropy import units as u
    from astropy.coordinates import Latitude, Longitude
    from mocpy import MOC

    middle = Longitude(150 * u.deg), Latitude(2 * u.deg)
    half = MOC.from_cone(*middle, radius=0.025 * u.deg, max_depth=14)
    half.save(folder / "half.fits", "fits")
    service = serve("legacy")
    answers = service.fetch(targets(6), moc="half.fits")
    assert [isinstance(a, Cutout) for a in answers] == [True] * 3 + [False] * 3
    assert {a.status for a in answers[3:]} == {"outside"} and service.n_requests == 3
    assert len(images(service.fetch(targets(6)))) == 6 and service.n_requests == 6


# --- limits


def test_connections_and_rate_are_kept(serve):
    service = serve("legacy", latency_s=0.03)
    assert len(images(service.fetch(targets(12), connections=3))) == 12
    assert service.faults.stats.most_at_once == 3
    service = serve("legacy")
    service.fetch(targets(6), requests_per_minute=1200)
    gaps = np.diff(service.faults.stats.times)
    assert gaps.mean() >= 0.049


def test_a_wish_to_wait_holds_for_all_connections(serve):
    service = serve("legacy", script=["too_many"], retry_after_s=1)
    assert len(images(service.fetch(targets(8), connections=1))) == 8
    assert np.diff(service.faults.stats.times).max() > 0.9
    assert sorted(np.diff(service.faults.stats.times))[-2] < 0.5


def test_both_forms_of_retry_after():
    assert session.retry_after("7") == 7
    later = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=30)
    assert 28 < session.retry_after(email.utils.format_datetime(later, usegmt=True)) <= 30
    assert session.retry_after("Wed, 21 Oct 2015 07:28:00 GMT") == 0
    assert session.retry_after("soon") is None and session.retry_after(None) is None


def test_a_large_reply_is_never_whole_in_memory():
    def answer(_):
        return httpx.Response(200, content=b"x" * (3 * session.IN_MEMORY))

    async def ask():
        polite = session.Session(connections=1)
        polite._client = httpx.AsyncClient(transport=httpx.MockTransport(answer))
        async with polite:
            return await polite.get("http://somewhere/")

    reply = asyncio.run(ask())
    assert reply.body._rolled and reply.n_bytes == 3 * session.IN_MEMORY
    assert not isinstance(reply.body._file, io.BytesIO)
    assert len(reply.content()) == reply.n_bytes and reply.body.closed


# --- going on


def test_nothing_is_asked_for_twice(serve):
    service = serve("legacy")
    first = service.fetch(targets(6))
    assert service.n_requests == 6
    again = service.fetch(targets(6))
    parts = [service.fetch(targets(6).iloc[rows]) for rows in ([0, 3], [5, 1, 2, 4])]
    assert service.n_requests == 6
    for answer, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(answer.pixels, other.pixels)
        assert (answer.wcs, answer.url, answer.n_bytes) == (other.wcs, other.url, other.n_bytes)
    assert len(images(parts[0] + parts[1])) == 6
    service.fetch(targets(6), connections=2, retries=1)
    assert service.n_requests == 6, "how a service is asked changes nothing"
    service.fetch(targets(6), size_px=20)
    assert service.n_requests == 12, "another option asks anew"
    service.fetch(targets(6).assign(dec_deg=2.1))
    assert service.n_requests == 18, "and so does another position"


def test_a_service_that_is_down_stops_the_job_and_nothing_is_lost(serve):
    service = serve("legacy", script=[None] * 5 + ["error_503"] * 30)
    with pytest.raises(RuntimeError, match=r"^3 requests in a row failed, the last: http_503: "):
        service.fetch(targets(20), retries=1, give_up_after=3, connections=1)
    n_before = service.n_requests
    assert 5 + 3 * 2 <= n_before <= 5 + 3 * 2 + 2, "and what was under way"
    service.faults.script.clear()
    assert len(images(service.fetch(targets(20)))) == 20
    assert service.n_requests == n_before + 15


def test_refusals_of_single_objects_stop_nothing(monkeypatch):
    """But a service that refuses all it is asked from the start does."""

    def client(refuse):
        def answer(request):
            ra = float(request.url.params["ra"])
            return httpx.Response(404 if refuse(ra) else 200, content=b"no FITS")

        return httpx.AsyncClient(transport=httpx.MockTransport(answer))

    def start(refuse):
        made = session.Session.__init__

        def init(self, **arguments):
            made(self, **arguments)
            self._client = client(refuse)

        monkeypatch.setattr(session.Session, "__init__", init)
        monkeypatch.setattr(legacy, "decode", lambda *_: (np.zeros((3, 16, 16), np.float32), ""))
        options = legacy.Options(base_url="http://sky", **QUICK, give_up_after=5)
        return list(legacy.fetch(targets(20), legacy.Batch(), options, seed=0, name="first"))

    with pytest.raises(RuntimeError, match=r"5 requests in a row failed, the last: http_404"):
        start(lambda _: True)
    answers = start(lambda ra: ra > 150.05)
    assert [a.status for a in answers if isinstance(a, Failure)] == ["http_404"] * 14


def test_some_stubborn_objects_stop_nothing(serve, monkeypatch):
    """Not in the first run, nor when they are all that is left for the next."""
    decode = legacy.decode

    def picky(contents, target, options):
        if int(target.object_id[-3:]) % 2:
            raise replies.InvalidError("never good")
        return decode(contents, target, options)

    monkeypatch.setattr(legacy, "decode", picky)
    service = serve("legacy")
    for _ in range(2):
        answers = service.fetch(targets(24), retries=0, give_up_after=4)
        assert [isinstance(a, Cutout) for a in answers] == [True, False] * 12
        assert {a.status for a in answers if isinstance(a, Failure)} == {"invalid"}
    assert service.n_requests == 24 + 12


def test_a_reader_s_own_error_is_an_invalid_reply(serve, monkeypatch):
    monkeypatch.setattr(replies, "checked_wcs", lambda *_: 1 / 0)
    (answer,) = serve("legacy").fetch(targets(1), retries=0)
    assert answer.status == "invalid" and "ZeroDivisionError" in answer.reason


def test_an_image_of_another_place_is_invalid(serve, monkeypatch):
    other = session.Session.get

    async def elsewhere(self, url, params):
        return await other(self, url, params | {"ra": "151.0"})

    monkeypatch.setattr(session.Session, "get", elsewhere)
    for kind in ("legacy", "hips"):
        (answer,) = serve(kind).fetch(targets(1), retries=0)
        assert answer.status == "invalid" and "allowed: the middle of 16 px" in answer.reason


def test_a_wish_to_wait_for_hours_stops_the_job(serve):
    service = serve("legacy", script=["too_many"], retry_after_s=86400)
    with pytest.raises(RuntimeError, match=r"^the service asks to wait 86400 s \(HTTP 429"):
        service.fetch(targets(2))


def test_a_header_that_cannot_be_sent_is_not_shown(serve):
    async def ask():
        headers = {"Authorization": "Bearer secret\r"}
        async with session.Session(connections=1, headers=headers) as polite:
            await polite.get(serve("legacy").url)

    with pytest.raises(RuntimeError, match=r"a header of it is invalid$") as error:
        asyncio.run(ask())
    assert "secret" not in str(error.value)


def test_a_refused_login_stops_at_once(serve, monkeypatch):
    monkeypatch.setenv("SSP_PDR_PWD", "wrong-password")
    service = serve("hsc")
    with pytest.raises(RuntimeError, match=r"^the service refuses the login: HTTP 401") as error:
        service.fetch(targets(3))
    assert service.n_requests == 1 and "wrong-password" not in str(error.value)


def test_a_service_without_a_login_says_what_it_wants(monkeypatch, tmp_path):
    for name in ("SSP_PDR_USR", "SSP_PDR_PWD"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("NETRC", str(tmp_path / "none"))
    with pytest.raises(RuntimeError, match=r"SSP_PDR_PWD in the environment, or an entry for hsc"):
        list(hsc.fetch(targets(1), hsc.Batch(), hsc.Options(), seed=0, name="first"))


def test_logins_come_from_the_environment_or_netrc(monkeypatch, tmp_path):
    path = tmp_path / "netrc"
    path.write_text("machine sky.org login me password pw-of-netrc\n")
    path.chmod(0o600)
    monkeypatch.setenv("NETRC", str(path))
    assert session.credentials("sky.org", "NO_USER", "NO_PASSWORD") is not None
    assert session.credentials("other.org", "NO_USER", "NO_PASSWORD") is None
    path.write_text("machine sky.org login me passw pw-of-netrc\n")
    with pytest.raises(ValueError, match=r"can't be read as a netrc file$"):
        session.credentials("sky.org", "NO_USER", "NO_PASSWORD")


def test_secrets_are_nowhere(serve, folder, caplog):
    caplog.set_level("DEBUG")
    service = serve("hsc", script=["error_500", "truncate", "html"])
    answers = service.fetch(targets(3))
    assert len(images(answers)) == 3
    texts = [caplog.text, *(repr(a) for a in answers)]
    texts += [p.read_bytes().decode("latin-1") for p in folder.rglob("*") if p.is_file()]
    assert len(texts) > 4 and not any("secret" in text or "name@local" in text for text in texts)
    assert session.public("https://a/?access_token=s1&X-Goog-Signature=s2&sigma=3") == (
        "https://a/?access_token=...&X-Goog-Signature=...&sigma=3"
    )
    assert session.public("https://me:secret@sky.org/a?ra=1&token=secret") == (
        "https://sky.org/a?ra=1&token=..."
    )


# --- the journal


def test_a_torn_journal_keeps_what_is_whole(tmp_path):
    keys = [object_key(f"object-{i}", i, 0) for i in range(4)]
    with Journal(tmp_path, "a", keys) as journal:
        for key in keys[:2]:
            journal.add(key, "g", b"pixels of " + key.encode(), url="u", attempts=1)
        journal.close_object(keys[2], Final("outside", "why", "u", 2))
    lines = (tmp_path / "a.jsonl").read_bytes()
    (tmp_path / "a.jsonl").write_bytes(lines + b'{"key": "' + keys[3].encode()[:9])
    with (tmp_path / "a.bytes").open("ab") as file:
        file.write(b"bytes without a line")
    with Journal(tmp_path, "b", keys) as journal:
        assert set(journal.parts) == set(keys[:2])
        assert journal.finals[keys[2]] == Final("outside", "why", "u", 2)
    with Journal(tmp_path, "a", keys) as journal:
        journal.add(keys[3], "g", b"late", url="u", attempts=1)
    with Journal(tmp_path, "c", keys[1:]) as journal:
        assert journal.contents(keys[3]) == {"g": b"late"}
        assert journal.contents(keys[1])["g"].startswith(b"pixels of ")
        assert keys[0] not in journal.parts


def test_damaged_bytes_are_fetched_again(serve, folder):
    service = serve("legacy")
    service.fetch(targets(3))
    (path,) = folder.rglob("*.bytes")
    content = bytearray(path.read_bytes())
    content[100] ^= 255
    path.write_bytes(content)
    answers = service.fetch(targets(3))
    (lost,) = [a for a in answers if isinstance(a, Failure)]
    assert "damaged" in lost.reason and len(images(answers)) == 2
    assert service.n_requests == 3
    assert len(images(service.fetch(targets(3)))) == 3 and service.n_requests == 4
    path.unlink()  # with it the journal's other pieces
    service.fetch(targets(3))
    assert len(images(service.fetch(targets(3)))) == 3


def test_a_killed_job_goes_on_where_it_stopped(serve, folder):
    """Killed over and over at random moments; at most the requests under way are asked again."""
    n, n_kills, connections = 60, 4, 3
    mix = {"error_500": 0.05, "reset": 0.05, "truncate": 0.05, "html": 0.05, "all_nan": 0.02}
    service = serve("legacy", mix, latency_s=0.02)
    code = textwrap.dedent(f"""
        import sys
        sys.path[:0] = [{str(ROOT / "workflow")!r}]
        import numpy as np, pandas as pd
        from hoag.surveys import legacy
        ids = [f"object-{{i:03}}" for i in range({n})]
        wanted = pd.DataFrame({{"object_id": ids, "ra_deg": 150 + 0.01 * np.arange({n})}})
        options = legacy.Options(base_url="{service.url}/viewer", size_px=16, backoff_s=0.01,
                                 connections={connections})
        answers = list(legacy.fetch(wanted.assign(dec_deg=2.0), None, options, seed=0, name="k"))
        print(sum(hasattr(a, "pixels") for a in answers))
    """)
    rng = np.random.default_rng(0)
    for kill in range(n_kills):
        process = subprocess.Popen([sys.executable, "-c", code])
        n_before = service.n_requests
        while service.n_requests < n_before + rng.integers(3, 12) and process.poll() is None:
            time.sleep(0.01)
        process.kill()
        process.wait()
        assert kill or service.n_requests < n
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) == n
    stats = service.faults.stats
    faults = sum(k for (_, outcome), k in stats.requests.items() if outcome != "200")
    assert stats.count(outcome="200") <= n + n_kills * 2 * connections  # on the way, or judged
    assert faults < n
    lines = b"".join(p.read_bytes() for p in folder.rglob("*.jsonl")).splitlines()
    keys = [json.loads(line)["key"] for line in lines if line.endswith(b"}")]
    assert len(keys) == len(set(keys)) == n
