"""The `dlcourse` command: what it prints, and with which exit code it ends."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.parse
import urllib.request
from contextlib import contextmanager
from types import SimpleNamespace

from dlcourse import catalogue, cli, lab, lessons, measure, notebooks, progress
from dlcourse import course as course_module
from dlcourse.errors import LessonError

import psutil
import pytest
from nbformat import v4, write
from odd_files import odd_in_place
from typer.testing import CliRunner

README = "before\n<!-- lessons: x -->\nold\n<!-- end of lessons -->\nafter\n"
NUMBERS = "<!-- costs: x -->\n<!-- end of costs -->\n<!-- results: x -->\n<!-- end of results -->\n"
TERMS = "<!-- terms: x -->\n<!-- end of terms -->\n<!-- symbols: x -->\n<!-- end of symbols -->\n"
TEACH = "<!-- runs of show: x -->\n<!-- end of runs of show -->\n"
HEADLINE = {
    "what": "accuracy",
    "scores": [0.9, 0.904, 0.901, 0.902, 0.903],
    "baseline": 0.84,
    "baseline_name": "a guess",
    "parameters": 1234,
    "seconds": 5.0,
}
COMMAND = [sys.executable, "-c", "from dlcourse.cli import app; app()"]
MEASURED = catalogue.Measured(21.4, 9.0, 0.04, 612, 402, 2)


def lesson(number, title, folder, measured=MEASURED):
    slug = title.lower().replace(" ", "_")
    return SimpleNamespace(
        number=number,
        slug=slug,
        slugs=(slug, "slants") if slug == "slopes" else (slug,),
        title=title,
        part={"1": "Basics", "2": "CNNs", "3": "RNNs"}[number[0]],
        folder=folder / "dlcourse" / "lessons" / slug,
        study_minutes=50,
        needs=(),
        source=folder / "notebooks" / "source" / f"{number}_{slug}.py",
        notebook=folder / "notebooks" / f"{number}_{slug}.ipynb",
        measured=measured,
        size_bytes=1000,
    )


@pytest.fixture
def course(tmp_path, monkeypatch):
    """A course of two lessons in a temporary folder; running one takes no time."""
    two = [lesson("11", "Slopes", tmp_path), lesson("21", "Edges", tmp_path, measured=None)]
    (tmp_path / "notebooks" / "source").mkdir(parents=True)
    monkeypatch.setattr(catalogue, "folder", lambda: tmp_path)
    monkeypatch.setattr(catalogue, "lessons", lambda: two)
    monkeypatch.setattr(course_module, "Standing", lambda lesson, kept: "1/3")
    monkeypatch.setattr(lessons, "headline", {"slopes": HEADLINE}.get)
    return two


def call(*words):
    cli.OUT.width = cli.ERRORS.width = 120  # whatever the terminal's is
    return CliRunner().invoke(cli.app, words, catch_exceptions=False)


def runs(monkeypatch, **outcome):
    """Let a notebook's run have this outcome; return the list of the calls."""
    calls = []

    def run(lesson, quick=False, solved=False, report=None):
        calls.append((lesson.number, quick, solved))
        report(1, 2)
        facts = {"seconds": 3.2, "slowest_cell_seconds": 1.0, "peak_memory_mb": 456.0}
        facts |= {"slowest_explorer_seconds": 0.02, "peak_own_memory_mb": 300.0}
        return notebooks.Run(lesson, **facts | outcome)

    monkeypatch.setattr(notebooks, "run", run)
    return calls


def test_the_command_is_there_before_numpy_or_a_framework_is_loaded():
    code = "import sys, dlcourse.cli; print(sorted({'numpy', 'torch', 'keras'} & set(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


@pytest.mark.parametrize("encoding", ["ascii", "cp932", "cp1252"])
@pytest.mark.parametrize("words", ["--help", "list", "progress", "data list", "data card wine"])
def test_a_console_that_lacks_a_letter_stops_no_command(encoding, words, tmp_path):
    own = {"PYTHONIOENCODING": encoding, "PYTHONUTF8": "0", "DLCOURSE_HOME": str(tmp_path / "hö")}
    run = subprocess.run([*COMMAND, *words.split()], capture_output=True, env=os.environ | own)
    assert (run.returncode, run.stderr) == (0, b"")
    assert len(run.stdout.decode(encoding)) > 100


def test_help_names_every_command():
    text = call("--help").output
    commands = (
        "lab",
        "update",
        "reset",
        "restore",
        "list",
        "run",
        "build",
        "measure",
        "check",
        "data",
        "new",
        "doctor",
    )
    for command in (*commands, "progress"):
        assert re.search(rf"\b{command}\b", text)


@pytest.mark.parametrize("words", [("run", "99"), ("lab", "99"), ("build", "99")])
def test_an_unknown_number_is_one_clear_line_and_exit_code_1(course, words):
    result = call(*words)
    assert result.exit_code == 1
    assert "There is no lesson 99. There are: 11, 21." in result.stderr
    assert "Traceback" not in result.output


def test_list_shows_the_lessons_of_this_course():
    result = call("list")
    assert result.exit_code == 0
    for lesson in catalogue.lessons():
        assert f"{lesson.number}  {lesson.title}" in result.output


def test_list_shows_what_was_measured_and_dashes_before_the_first_build(course):
    first, second = call("list").output.splitlines()[1:]
    assert first.split() == ["11", "Slopes", "50", "min", "21", "s", "612", "MB", "1/3"]
    assert second.split() == ["21", "Edges", "50", "min", "–", "–", "1/3"]


def test_run_prints_one_line_for_each_notebook(course, monkeypatch):
    calls = runs(monkeypatch)
    result = call("run", "--quick")
    assert result.exit_code == 0
    assert calls == [("11", True, False), ("21", True, False)]
    assert [line.split() for line in result.output.splitlines()] == [
        ["11", "Slopes", "3.2", "s", "456", "MB", "ok"],
        ["21", "Edges", "3.2", "s", "456", "MB", "ok"],
    ]


def test_run_takes_only_the_numbers_that_are_named(course, monkeypatch):
    calls = runs(monkeypatch)
    call("run", "21")
    assert calls == [("21", False, False)]


def test_a_solved_run_has_no_budget_but_shows_a_broken_exercise(course, monkeypatch):
    calls = runs(monkeypatch, seconds=notebooks.NOTEBOOK_BUDGET_SECONDS + 1.0)
    assert call("run", "--solved").exit_code == 0
    assert calls == [("11", False, True), ("21", False, True)]
    runs(monkeypatch, error="the solution is wrong")
    result = call("run", "--solved", "11")
    assert (result.exit_code, result.stderr.strip()) == (1, "the solution is wrong")


def test_measure_measures_a_lesson_or_the_named_parts_of_it(course, monkeypatch):
    asked = []

    def pretend(lesson, parts, say):
        asked.append((lesson.number, tuple(parts)))
        say("11  band: 3 s")

    monkeypatch.setattr(measure, "measure", pretend)
    assert "11  band: 3 s\nNow `dlcourse build 11`" in call("measure", "11").stdout
    assert call("measure", "11", "band", "depth").exit_code == 0
    assert asked == [("11", ()), ("11", ("band", "depth"))]
    assert call("measure").exit_code != 0


@pytest.fixture
def own_home(monkeypatch, tmp_path):
    monkeypatch.setenv("DLCOURSE_HOME", str(tmp_path / "home"))


def test_progress_shows_each_lesson_and_the_place_of_the_file(course, own_home):
    progress.record("slants", "steepest", "exercise", "right")  # what it was called before
    _, first, second, *rest = call("progress").stdout.splitlines()
    assert first.split()[:4] == ["11", "Slopes", "1/3", "1"]
    assert second.split() == ["21", "Edges", "1/3", "0", "–"]
    assert str(progress.file()) in " ".join(rest)


def test_progress_can_be_switched_off_and_on(course, own_home):
    assert "off: --on starts it" in call("progress", "--off").stdout
    assert not progress.is_on()
    assert "on: --off stops it" in call("progress", "--on").stdout
    assert progress.is_on()


def test_a_failing_notebook_shows_its_cell_and_exit_code_1(course, monkeypatch):
    calls = runs(monkeypatch, error="Lesson 11, cell slopes-03: NameError", peak_memory_mb=1.0)
    result = call("run")
    assert result.exit_code == 1
    assert "cell slopes-03: NameError" in result.stderr
    assert result.stdout.count("failed") == len(calls) == 2


def test_a_broken_budget_is_exit_code_1(course, monkeypatch):
    runs(monkeypatch, seconds=notebooks.NOTEBOOK_BUDGET_SECONDS + 1.0)
    result = call("run", "11")
    assert result.exit_code == 1
    assert "over budget" in result.stdout
    assert "the budget is 60 s" in result.stderr


@pytest.mark.parametrize("word", ["list", "progress"])
def test_what_was_tried_is_read_once(course, own_home, monkeypatch, word):
    reads = []
    monkeypatch.setattr(progress, "attempts", lambda *_: reads.append(1) or [])
    assert call(word).exit_code == 0
    assert reads == [1]


def test_progress_says_honestly_whether_anything_is_kept(course, own_home, monkeypatch, tmp_path):
    (tmp_path / "home").write_text("a file where the folder should be")
    said = call("progress").stdout.splitlines()[-1]
    assert "cannot be written: attempts are gone when the notebook's kernel ends" in said
    assert "set the environment variable DLCOURSE_HOME" in said
    result = call("progress", "--off")
    assert result.exit_code == 1 and "DLCOURSE_PROGRESS" in result.stderr
    assert "Traceback" not in result.output
    (tmp_path / "home").unlink()
    monkeypatch.setattr(progress, "place", lambda: tmp_path)
    assert f"cannot be written: attempts wait in {tmp_path}." in call("progress").stdout
    monkeypatch.setenv("DLCOURSE_PROGRESS", "off")
    assert (
        "off: the environment variable DLCOURSE_PROGRESS says so" in call("progress", "--on").stdout
    )


@odd_in_place
def test_build_goes_on_when_something_else_is_in_a_notebook_s_place(course, monkeypatch, put):
    put(course[0].notebook)
    monkeypatch.setattr(notebooks, "build", lambda lesson, force: None)
    assert "nothing changed" in call("build").stdout


def test_all_notebooks_together_have_a_budget_too(course, monkeypatch):
    monkeypatch.setattr(notebooks, "COURSE_BUDGET_SECONDS", 5)
    runs(monkeypatch)
    assert "All notebooks take 6 s; the budget is 5 s." in call("run").stderr
    assert call("run", "11", "21").exit_code == 0


def test_build_says_what_it_did_and_writes_the_pages(course, monkeypatch, tmp_path):
    readme, numbers = tmp_path / "README.md", tmp_path / "docs" / "lessons.md"
    numbers.parent.mkdir()
    readme.write_text(README)
    numbers.write_text(NUMBERS)
    built = {"11": notebooks.Run(course[0], 3.2, 1.0, 0.02, 456.0, 300.0), "21": None}

    def build(lesson, force):
        if force:
            lesson.notebook.write_text("written")
        return built[lesson.number]

    monkeypatch.setattr(notebooks, "build", build)
    assert call("build", "--force").stdout.splitlines()[0].split()[-1] == "built"
    result = call("build")
    assert result.exit_code == 0
    assert result.stdout.splitlines()[0].split()[-1] == "holds", "run, and not written"
    assert "nothing changed" in result.stdout.splitlines()[1]
    assert readme.read_text().splitlines() == [
        "before",
        "<!-- lessons: x -->",
        "",
        "- **Basics**",
        "  - 11 [Slopes](notebooks/11_slopes.ipynb)",
        "- **CNNs**",
        "  - 21 [Edges](notebooks/21_edges.ipynb)",
        "",
        "<!-- end of lessons -->",
        "after",
    ]
    assert numbers.read_text().splitlines()[3:] == [
        "| 11 | [Slopes](../notebooks/11_slopes.ipynb) | 50 min | 21 s | 612 MB | 402 MB |",
        "| 21 | [Edges](../notebooks/21_edges.ipynb) | 50 min | – | – | – |",
        "<!-- end of costs -->",
        "<!-- results: x -->",
        "|  | What | Score, over seeds | Baseline | Weights | Training |",
        "| --- | --- | --- | --- | ---: | ---: |",
        "| 11 | accuracy | 0.900 to 0.904 over 5 seeds | 0.840 (a guess) | 1 234 | 5.0 s |",
        "<!-- end of results -->",
    ]
    assert catalogue.filled("README.md", readme.read_text()) == readme.read_text()


def test_a_readme_without_the_marks_is_refused(course):
    with pytest.raises(LessonError, match="needs the lines"):
        catalogue.filled("README.md", "# A course\n")


@pytest.mark.parametrize("page", catalogue.PAGES)
def test_a_page_shows_the_lessons_that_there_are(page):
    text = (catalogue.folder() / page).read_text(encoding="utf-8")
    assert catalogue.filled(page, text) == text, "run `dlcourse build`"


def test_the_teachers_page_has_every_run_of_show(course, monkeypatch):
    said = {"11": ["### For teachers\n**Run of show.** Walk."], "21": ["Draw.", "Ask."]}
    monkeypatch.setattr(catalogue, "for_teachers", lambda lesson: said[lesson.number])
    text = catalogue.filled("docs/teach.md", TEACH)
    assert "### 11 · [Slopes](../notebooks/11_slopes.ipynb)\n**Run of show.** Walk.\n" in text
    assert text.endswith(
        "(../notebooks/21_edges.ipynb)\nDraw.\nAsk.\n<!-- end of runs of show -->\n"
    )
    assert "For teachers" not in text


@pytest.fixture
def cheap_checks(course, monkeypatch, tmp_path):
    (tmp_path / "README.md").write_text(README)
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "lessons.md").write_text(NUMBERS)
    (tmp_path / "docs" / "teach.md").write_text(TEACH)
    (tmp_path / "docs" / "glossary.md").write_text(TERMS)
    monkeypatch.setattr(catalogue, "for_teachers", lambda lesson: ["Walk."])
    monkeypatch.setattr(catalogue, "glossary", lambda: ())
    for page in catalogue.PAGES:
        (tmp_path / page).write_text(catalogue.filled(page, (tmp_path / page).read_text()))
    monkeypatch.setattr(notebooks, "stale", lambda lesson: None)
    monkeypatch.setattr(cli, "CHECKS", {"style": ["json.tool", "--help"]})


def test_check_is_ok_when_every_part_is(cheap_checks):
    result = call("check")
    assert (result.exit_code, result.stdout.count(" ok")) == (0, 2)


def test_check_shows_what_failed_and_goes_on(cheap_checks, monkeypatch):
    monkeypatch.setattr(notebooks, "stale", lambda lesson: f"{lesson.number} differs.")
    monkeypatch.setitem(cli.CHECKS, "layout", ["json.tool", "no-such-file"])
    result = call("check")
    assert result.exit_code == 1
    assert result.stdout.count("failed") == 2
    assert "11 differs.\n21 differs." in result.stdout
    assert "no-such-file" in result.stdout


def test_check_notices_a_stale_readme_table(cheap_checks, course):
    course.append(lesson("31", "Sequences", course[0].notebook.parents[1]))
    assert "README.md is stale. Run `dlcourse build`." in call("check").stdout
    assert "docs/teach.md is stale. Run `dlcourse build`." in call("check").stdout


def test_data_list_and_cards_come_from_the_folders():
    assert "fashion-mnist" in call("data", "list").stdout
    assert "CC BY 4.0" in call("data", "card", "wine").stdout
    assert "There is no dataset 'nope'" in call("data", "card", "nope").stderr


def test_data_verify_fails_for_a_damaged_file_and_still_looks_at_the_others(monkeypatch):
    from dlcourse import data
    from dlcourse.errors import DataError

    def verify(name):
        if name == "digits":
            raise DataError("The data file digits.npz is damaged: its sha256 is 1, but …")

    monkeypatch.setattr(data, "verify", verify)
    result = call("data", "verify")
    assert result.exit_code == 1
    assert "digits.npz is damaged" in result.stderr
    assert re.search(r"wine +ok", result.stdout)


def test_new_names_the_three_files(course, monkeypatch):
    made = []
    monkeypatch.setattr(notebooks, "new", lambda *asked: made.append(asked) or course[0])
    monkeypatch.setattr(notebooks, "build", lambda lesson, force: made.append(lesson.number))
    built, *lines = call("new", "Slopes", "--part", "1").stdout.splitlines()
    assert made == [("Slopes", 1, None), "11"]
    assert "11  Slopes" in built
    files = (
        "notebooks/source/11_slopes.py ",
        "dlcourse/lessons/slopes/__init__.py ",
        "notebooks/11_slopes.ipynb ",
    )
    assert [line.strip().startswith(file) for line, file in zip(lines[1:], files)] == [True] * 3


@pytest.mark.parametrize(
    "environment, platform, opens",
    [
        ({"DISPLAY": ":0"}, "linux", True),
        ({"WAYLAND_DISPLAY": "wayland-0"}, "linux", True),
        ({}, "linux", False),
        ({"DISPLAY": ":0", "BROWSER": "none"}, "linux", False),
        ({"DISPLAY": ":0", "BROWSER": "firefox"}, "linux", True),
        ({}, "darwin", True),
        ({"BROWSER": "none"}, "win32", False),
    ],
)
def test_a_browser_opens_where_there_is_one(environment, platform, opens):
    assert lab.can_open_browser(environment, platform) is opens


def test_a_taken_port_is_said_before_anything_starts(course):
    course[0].notebook.touch()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        result = call("lab", "--original", "--port", str(taken.getsockname()[1]))
    assert result.exit_code == 1
    assert "is taken or not allowed. Choose another one" in result.stderr


def test_a_taken_8888_gives_another_port(monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        monkeypatch.setattr(lab, "USUAL_PORT", taken.getsockname()[1])
        assert lab._free_port(None) != lab.USUAL_PORT


@pytest.mark.parametrize("port", ["99999", "65536", "-1", "0"])
def test_a_port_that_is_none_is_said(course, port):
    course[0].notebook.touch()
    result = call("lab", "--original", "--port", port)
    assert result.exit_code == 1
    assert f"Port {port} was asked for, but ports are the numbers from 1 to 65535" in result.stderr


SERVER = """
import http.server, sys

class Yes(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.server.answered = True
    def log_message(self, *_):
        pass

try:
    server = http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Yes)
except OSError:
    sys.exit("the port is not available")
while not getattr(server, "answered", False):
    server.handle_request()
"""


@pytest.mark.parametrize("named", [False, True])
def test_a_port_that_another_program_takes_meanwhile(course, monkeypatch, named):
    """Another one is chosen, unless the learner has named it."""
    course[0].notebook.touch()
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        first = other.getsockname()[1]
        asked = []

        def can_listen(port):
            asked.append(port)
            return first if len(asked) == 1 else listens(port)

        def command(folder, port):
            other.listen()
            return [sys.executable, "-c", SERVER, str(port)]

        listens = lab._can_listen
        monkeypatch.setattr(lab, "USUAL_PORT", first)
        monkeypatch.setattr(lab, "_can_listen", can_listen)
        monkeypatch.setattr(lab, "_command", command)
        result = call(
            "lab", "--original", "--no-browser", *(["--port", str(first)] if named else [])
        )
    if named:
        assert result.exit_code == 1 and "the port is not available" in result.stderr
    else:
        (port,) = re.findall(r"http://127\.0\.0\.1:(\d+)/lab", result.stdout)
        assert result.exit_code == 0 and int(port) != first


def test_a_server_that_does_not_start_shows_its_last_words(course, monkeypatch):
    course[0].notebook.touch()
    last_words = [sys.executable, "-c", "raise SystemExit('no such widget')"]
    monkeypatch.setattr(lab, "_command", lambda *_: last_words)
    result = call("lab", "--original")
    assert result.exit_code == 1
    assert "JupyterLab did not start.\nno such widget" in result.stderr


def test_before_the_first_build_there_is_no_notebook_to_open(course):
    assert "`dlcourse build` writes them" in call("lab").stderr


@pytest.mark.slow
def test_lab_answers_on_the_first_lesson_and_ends_cleanly(tmp_path):
    (tmp_path / "the course" / "notebooks" / "source").mkdir(parents=True)
    notebook = v4.new_notebook(cells=[v4.new_code_cell("6 * 7")])
    for name in ("11_slopes", "21_edges"):
        (tmp_path / "the course" / "notebooks" / "source" / f"{name}.py").touch()
        write(notebook, tmp_path / "the course" / "notebooks" / f"{name}.ipynb")
    surroundings = {"DLCOURSE_COURSE": str(tmp_path / "the course"), "BROWSER": "none"}
    for kind in ("CONFIG", "DATA", "RUNTIME"):
        surroundings[f"JUPYTER_{kind}_DIR"] = str(tmp_path / kind)
    own = "c.IdentityProvider.token = 'of the learner'"  # must not keep the address from opening
    (tmp_path / "CONFIG").mkdir()
    (tmp_path / "CONFIG" / "jupyter_server_config.py").write_text(own)
    process = psutil.Popen(
        [*COMMAND, "lab", "--original"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=os.environ | surroundings,
    )
    with process, _killed_at_last(process):
        lines = iter(process.stdout.readline, "")
        address = next(line.strip() for line in lines if "http://127.0.0.1" in line)
        base, path, token = re.fullmatch(r"(http://[\d.:]+)(/.*)\?token=(.*)", address).groups()
        assert path == "/lab/workspaces/dlcourse/tree/notebooks/11_slopes.ipynb"

        def get(path, data=None):
            headers = {"Authorization": f"token {token}"}
            request = urllib.request.Request(base + path, data, headers)
            with urllib.request.urlopen(request, timeout=300) as answer:
                return answer.read().decode()

        assert "jupyter-config-data" in get(path)
        arranged = json.loads(get(f"/lab/api/workspaces/{lab.WORKSPACE}"))["data"]
        assert arranged == lab.ARRANGED
        lab._asked(
            urllib.parse.urlsplit(base).port,
            token,
            "PUT",
            f"/lab/api/workspaces/{lab.WORKSPACE}",
            json.dumps({"data": {"own": 1}, "metadata": {"id": lab.WORKSPACE}}),
        )
        lab._arrange(urllib.parse.urlsplit(base).port, token)  # what the learner arranged stays
        assert json.loads(get(f"/lab/api/workspaces/{lab.WORKSPACE}"))["data"] == {"own": 1}
        plugin = "@jupyterlab/apputils-extension:notification"
        schema = json.loads(get(f"/lab/api/settings/{plugin}"))["schema"]["properties"]
        assert schema["fetchNews"]["default"] == "false"
        assert schema["checkForUpdates"]["default"] is False
        get("/api/kernels", b'{"name": "python3"}')
        children = process.children(recursive=True)
        assert len(children) >= 2  # JupyterLab and a kernel
        words = [word for each in [process, *children] for word in each.cmdline()]
        assert not any(token in word for word in words), "every user can read command lines"
        assert token not in children[-1].environ().values()
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=300) == 0
        assert process.stdout.read().strip() == "JupyterLab has ended."
        assert psutil.wait_procs(children, timeout=60)[1] == []


@contextmanager
def _killed_at_last(process):
    try:
        yield
    finally:
        if process.is_running():
            for one in [*process.children(recursive=True), process]:
                one.kill()


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="only Linux has it")
def test_a_full_disk_is_said_in_a_line():
    with open("/dev/full", "w") as full:
        run = subprocess.run([*COMMAND, "list"], stdout=full, stderr=subprocess.PIPE, text=True)
    assert (run.returncode, run.stderr) == (1, "There is no room for what this command writes.\n")


def test_no_width_at_all_is_as_good_as_none():
    run = subprocess.run(
        [*COMMAND, "list"], env=os.environ | {"COLUMNS": "0"}, capture_output=True, text=True
    )
    assert "Your first network" in run.stdout
