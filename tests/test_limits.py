"""Whatever a learner's function does, there is a verdict, and the notebook goes on."""

import itertools
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
import types
import warnings

from dlcourse import answers, exercise, limits
from dlcourse.exercise import Feedback, Mistake

import keras
import matplotlib.pyplot as plt
import numpy as np
import psutil
import pytest
import torch

HINTS = ("A nudge.", "Nearly the answer.")
CASES = ({"names": ["coat", "bag"]}, {"names": ["boot"]}, {"names": []})


def _forgets_the_last(names):
    return len(names) - 1


@exercise.function(
    ask="Count the names.",
    cases=CASES,
    draw=lambda random: {"names": ["boot"] * int(random.integers(200))},
    hints=HINTS,
    mistakes=[Mistake("One is missing.", _forgets_the_last)],
    seconds=0.3,
)
def count(names):
    return len(names)


def never_ends_in_a_library(names):
    return sum(itertools.count())


def computes_for_ever(names):
    return len(str(7**10**9))


def deaf(names):
    while True:
        try:
            while True:
                pass
        except:  # noqa: E722
            pass


def deaf_asleep(names):
    while True:
        try:
            time.sleep(0.05)
        except:  # noqa: E722
            pass


def deaf_at_times_asleep(names):
    while True:
        try:
            sum(range(10**5))
            time.sleep(0.05)
        except:  # noqa: E722
            pass


def deep(names):
    sys.setrecursionlimit(10**9)
    return deep(names)


def leaves(names):
    os._exit(0)


def fills_the_memory(names):
    names = [names]
    while True:
        names += names


def asks_for_all_memory(names):
    return np.ones(10**12)


def holds_itself(names):
    names.append(names)
    names.append(names)
    return names


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="no copies of a process")
@pytest.mark.parametrize(
    "answer, words",
    [
        (never_ends_in_a_library, "stopped after 0.3 seconds"),
        (computes_for_ever, "stopped after 0.3 seconds"),
        (deaf, "stopped after 0.3 seconds"),
        (deaf_asleep, "stopped after 0.3 seconds"),
        (deaf_at_times_asleep, "stopped after 0.3 seconds"),
        (leaves, "would end Python itself"),
        (deep, ""),
        (fills_the_memory, "stopped"),  # by one limit or the other
        (asks_for_all_memory, "of memory"),
    ],
)
def test_what_cannot_be_stopped_from_within_is_stopped_in_a_copy(answer, words):
    limit = sys.getrecursionlimit()
    said = count.judge(answer)
    assert said.outcome in ("wrong", "raised") and words in said.message
    sys.setrecursionlimit(limit)
    assert count.judge(len).outcome == "right"


def hides_that_it_fills_the_memory(names):
    kept = []
    try:
        while len(kept) < 500:
            kept.append(bytearray(10**6))
    except MemoryError:
        pass
    return len(names)


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="no copies of a process")
@pytest.mark.parametrize("answer", [hides_that_it_fills_the_memory, lambda names: [0.5] * 10**8])
def test_memory_that_is_taken_unsaid_is_seen(monkeypatch, answer):
    monkeypatch.setattr(limits, "SPARE_MB", (200, 200))
    monkeypatch.setattr(count, "seconds", 60)
    assert "more than 200 MB of memory" in count.judge(answer).message


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no signals that wake what waits")
@pytest.mark.parametrize(
    "wait",
    [
        lambda: time.sleep(1000),
        lambda: threading.Event().wait(),
        lambda: subprocess.run(["sleep", "1000"]),
    ],
)
def test_an_answer_that_only_waits_is_ended(monkeypatch, wait):
    monkeypatch.setattr(limits, "PATIENCE_WITH_A_WAIT", 1)
    assert "stopped after 0.3 seconds" in count.judge(lambda names: wait()).message
    assert signal.getsignal(signal.SIGUSR2) == signal.SIG_DFL
    time.sleep(0.3)  # what comes late would come in here
    assert count.judge(len).outcome == "right"


@pytest.mark.slow
def test_long_and_deep_answers_are_told_shortly():
    full = []
    for _ in range(160):
        full.append(full)
    for answer in ([0.5] * 10**7, [[0]] * 5 * 10**6, full, [[0] * 10**4] * 10**4):
        assert count.judge(lambda names, answer=answer: answer).outcome == "wrong"
        assert len(answers.short(answer)) < 200


def raises(error):
    def answer(names):
        raise error

    return answer


class Mute(Exception):
    def __str__(self):
        raise ValueError("nothing to say")


class Unshown:
    def __repr__(self):
        raise ValueError("not shown")

    def __eq__(self, other):
        raise ValueError("not compared")

    __hash__ = None


class Unread:
    def __array__(self, dtype=None, copy=None):
        raise ValueError("not read")


class Endless:
    def __len__(self):
        return 1

    def __getitem__(self, place):
        return self


@pytest.mark.parametrize(
    "answer, outcome, words",
    [
        (raises(SystemExit(3)), "raised", "SystemExit: 3"),
        (raises(GeneratorExit()), "raised", "GeneratorExit"),
        (raises(BaseException("odd")), "raised", "BaseException: odd"),
        (raises(Mute()), "raised", "Mute: (an error that cannot say"),
        (lambda names: input("How many? "), "raised", "cannot ask for input"),
        (lambda names: Unshown(), "wrong", "a Unshown"),
        (lambda names: Unread(), "wrong", "a Unread"),
        (lambda names: Endless(), "wrong", ""),
        (holds_itself, "wrong", "should give one number"),
        (lambda names: iter(names), "wrong", "should give one number"),
        (lambda names: [Unshown()] * 10**6, "wrong", "should give one number"),
    ],
)
def test_an_odd_answer_gets_a_verdict(answer, outcome, words):
    said = count.judge(answer)
    assert said.outcome == outcome and words in said.message
    assert count.check(answer).outcome == outcome  # which keeps it as text, too


def test_what_an_answer_prints_is_cut_short(capsys):
    def talks(names):
        print("!" * 10**6)
        return len(names)

    assert count.judge(talks).outcome == "right"
    said = capsys.readouterr().out
    assert len(said) < len(CASES) * (limits.PRINTED_CHARACTERS + 100)
    assert said.count("and more, which is left out") == len(CASES)


@pytest.mark.parametrize(
    "write",
    [
        lambda: os.write(1, b"!" * 10**5),
        lambda: sys.__stdout__.write("!" * 10**5),
        lambda: subprocess.run(["seq", "20000"]),  # Python takes its time to start
    ],
)
def test_what_goes_past_print_is_not_shown(capfd, write):
    assert count.judge(lambda names: [write(), print("said")] and len(names)).outcome == "right"
    sys.__stdout__.flush()
    assert capfd.readouterr().out == "said\n" * len(CASES)
    os.write(1, b"heard again")
    assert capfd.readouterr().out == "heard again"


@pytest.mark.parametrize("close", [lambda: sys.stdout.close(), lambda: sys.stderr.close(),
                                   lambda: print(end="") or sys.stdout.__exit__()])  # fmt: skip
def test_what_an_answer_closes_stays_open(capsys, close):
    assert count.judge(lambda names: [close(), print("said")] and len(names)).outcome == "right"
    print("heard again")
    print("here too", file=sys.stderr)
    said = capsys.readouterr()
    assert said.out == "said\n" * len(CASES) + "heard again\n" and said.err == "here too\n"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="no copies of a process")
def test_a_copy_ends_with_the_process_that_made_it():
    """It holds the other end of a pipe, which is read to its end only when both are gone."""
    script = textwrap.dedent("""
        import os, signal, time
        from dlcourse import limits

        def orphaned(child, *_):
            os.write(1, b"!")
            os.kill(os.getpid(), signal.SIGKILL)

        limits._watched = orphaned
        os.dup2(1, 9)
        limits.within(600, lambda: time.sleep(600))
    """)
    run = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, close_fds=True)
    try:
        assert run.communicate(timeout=120)[0] == b"!"
    finally:
        run.kill()
        run.stdout.close()


def for_ever(*_, **__):
    return sum(itertools.count()) if sys.platform.startswith("linux") else _for_ever_in_python()


def _for_ever_in_python():
    while True:
        pass


NEVER = {
    name: type(name, base, {name: for_ever})
    for name, base in (
        ("__array__", ()),
        ("__repr__", ()),
        ("__eq__", ()),
        ("__deepcopy__", ()),
        ("__iter__", (list,)),
        ("__len__", (list,)),
        ("__getattr__", ()),
        ("__getattribute__", ()),
    )
}


@exercise.value(ask="Two and three?", hints=HINTS, mistakes=[Mistake("No.", lambda: [3, 2])])
def pair():
    return [2, 3]


@exercise.function(ask="The pair.", cases=CASES, hints=HINTS, mistakes=[], seconds=0.3)
def pair_of(names):
    return [2, 3]


@pytest.mark.slow
@pytest.mark.parametrize("kind", NEVER.values(), ids=NEVER)
def test_what_never_ends_when_it_is_looked_at_gets_a_verdict(monkeypatch, kind):
    for module in (answers, exercise):
        monkeypatch.setattr(module, "READING_SECONDS", 0.3)
    for asked in (pair, pair_of, count):
        for answer in (kind(), [kind(), 3], lambda names: kind(), lambda names: [kind(), 3]):
            assert asked.check(answer).outcome == "wrong"


def test_what_never_ends_when_it_is_measured_gets_a_verdict(monkeypatch):
    monkeypatch.setattr(exercise, "MEASURING_SECONDS", 0.3)

    @exercise.measured(ask="A score.", measure=float, bar=0.5, what="It is", hints=HINTS,
                       mistakes=[])  # fmt: skip
    def score():
        return 1.0

    def slow(self):
        return _for_ever_in_python()

    said = score.judge(type("Slow", (), {"__float__": slow})())
    assert said.outcome == "wrong" and "stopped after 0.3 seconds" in said.message
    assert score.judge(0.75).outcome == "right"


def test_an_interrupt_of_the_answer_s_own_is_a_verdict():
    stop = signal.getsignal(signal.SIGINT)
    said = count.judge(raises(KeyboardInterrupt()))
    assert said.outcome == "wrong" and "raised KeyboardInterrupt" in said.message
    assert signal.getsignal(signal.SIGINT) is stop


def test_the_stop_button_stops_a_check(monkeypatch):
    monkeypatch.setattr(limits, "_rehearse", lambda seconds, call: None)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # in the background: ignored
    try:
        with pytest.raises(KeyboardInterrupt):
            count.judge(lambda names: signal.raise_signal(signal.SIGINT))
    finally:
        signal.signal(signal.SIGINT, before)


def test_what_is_unseen_is_neither_printed_nor_displayed(monkeypatch, capsys):
    shown = []

    class Publisher:
        def publish(self, figure):
            shown.append(figure)

    shell = types.SimpleNamespace(display_pub=Publisher())
    monkeypatch.setattr(limits, "_notebook", lambda: shell)
    with limits.unseen():
        print("of a drawn case")
        shell.display_pub.publish("a figure of a drawn case")
    shell.display_pub.publish("the learner's own")
    assert shown == ["the learner's own"] and capsys.readouterr().out == ""


def test_a_call_displays_so_much_and_no_more(monkeypatch):
    class Publisher:
        def publish(self, output):
            shown.append(output)

    shown, shell = [], types.SimpleNamespace(display_pub=Publisher())
    monkeypatch.setattr(limits, "_notebook", lambda: shell)

    def displays():
        for number in range(1000):
            shell.display_pub.publish(number)
        with limits.unseen():
            shell.display_pub.publish("unseen")

    with limits.trusting():
        limits.within(5, displays)
    shell.display_pub.publish("afterwards")
    assert shown == [*range(limits.MOST_OUTPUTS), "afterwards"]


def test_figures_of_unseen_calls_are_closed():
    kept = plt.figure().number
    with limits.unseen():
        plt.figure()
    assert plt.get_fignums() == [kept]
    plt.close("all")


def test_what_an_answer_changes_of_the_process_is_put_back(tmp_path):
    def changes():
        os.chdir(tmp_path)
        sys.setrecursionlimit(500)
        return os.fork()

    before = os.getcwd(), sys.getrecursionlimit(), os.fork
    with pytest.raises(RuntimeError, match="cannot make a copy"), limits.trusting():
        limits.within(5, changes)
    assert (os.getcwd(), sys.getrecursionlimit(), os.fork) == before


def test_an_answer_that_waits_for_each_case_is_stopped(monkeypatch):
    monkeypatch.setattr(limits, "_rehearse", lambda seconds, call: None)
    monkeypatch.setattr(exercise, "PATIENCE", 1)
    monkeypatch.setattr(count, "seconds", 0.2)

    def waits(names):
        time.sleep(0.15)
        return len(names)

    said = count.judge(waits)
    assert said.outcome == "wrong" and "without waiting" in said.message


@pytest.mark.parametrize("message", ["\ud800", "x" * 10**7])
def test_a_long_or_broken_message_is_told_shortly(message):
    def raises(names):
        raise ValueError(message)

    said = count.judge(raises)
    assert said.outcome == "raised" and len(said.message) < 3000
    said.message.encode()


def test_an_answer_is_not_judged_again_to_carry_on(monkeypatch):
    calls = []
    monkeypatch.setattr(limits, "_rehearse", lambda seconds, call: None)

    def counted(names):
        calls.append(names)
        return len(names)

    count.check(counted)
    count.carry_on_with(counted)
    assert len(calls) == len(CASES) + exercise.DRAWN


def test_a_result_that_later_calls_change_is_copied():
    def remembers(names, seen=[]):  # noqa: B006
        seen += names
        return seen

    @exercise.function(ask="Return the names.", cases=CASES, hints=HINTS, mistakes=[])
    def all_of(names):
        return list(names)

    assert all_of.judge(remembers).message.startswith("`all_of(names=['boot'])` gives ['coat', 'b")


def test_what_an_answer_does_to_its_arguments_is_said_and_hits_no_later_cell():
    @exercise.function(ask="Shift.", cases=[{"starts": np.array([3, 4])}], hints=HINTS, mistakes=[])
    def shifted(starts):
        return starts - 1

    def in_place(starts):
        starts -= 1
        return starts

    said = shifted.judge(in_place)
    assert said.outcome == "right" and "it changes what it is given: 'starts'" in said.message
    mine, starts = shifted.carry_on_with(in_place), np.array([7, 8])
    assert mine(starts).tolist() == [6, 7] and starts.tolist() == [7, 8]


@pytest.mark.parametrize(
    "answer",
    [
        lambda starts: [float(each) - 1 for each in starts],
        lambda starts: (starts - 1).astype("float64"),
        lambda starts: __import__("torch").tensor(starts - 1),
        lambda starts: tuple(starts - 1),
    ],
)
def test_later_cells_get_what_the_solution_would_give(answer):
    @exercise.function(ask="Shift.", cases=[{"starts": np.array([3, 4])}], hints=HINTS, mistakes=[])
    def shifted(starts):
        return starts - 1

    assert shifted.judge(answer) == Feedback("right", "It agrees with the solution on all 1 cases.")
    result = shifted.carry_on_with(answer)(np.array([7, 8]))
    assert type(result) is np.ndarray and result.dtype.kind == "i" and result.tolist() == [6, 7]


def test_the_lesson_goes_on_where_a_right_answer_fails_later(capsys):
    def to_the_end(names):
        return 1 + to_the_end(names[1:]) if names else 0

    assert count.check(to_the_end).outcome == "right"
    assert count.carry_on_with(to_the_end)(["coat"] * 50_000) == 50_000
    assert "raised RecursionError here" in capsys.readouterr().out


def test_a_copy_that_waits_for_what_was_not_copied_tells_nothing():
    heard = threading.Event()
    threading.Thread(target=lambda: (time.sleep(0.05), heard.set())).start()
    done = []
    assert limits.within(5, lambda: done.append(heard.wait(60))) is None
    assert done == [True]


def test_an_interrupt_reaches_the_learner_and_leaves_no_copy(monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(limits, "_watched", interrupted)
    with pytest.raises(KeyboardInterrupt):
        count.judge(never_ends_in_a_library)
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


def test_the_course_s_own_solutions_need_no_copy(monkeypatch):
    copies = []
    monkeypatch.setattr(limits, "_rehearse", lambda seconds, call: copies.append(call))
    assert count.faults() == [] and copies == []
    count.judge(len)
    assert len(copies) == len(CASES) + 1  # one for all that are drawn


def replaces_what_it_is_judged_by(names):
    np.all = np.allclose = lambda *_, **__: True
    return -5


def test_an_answer_cannot_change_what_it_is_judged_by():
    before = np.all, np.allclose
    assert count.judge(replaces_what_it_is_judged_by).outcome == "wrong"
    assert (np.all, np.allclose) == before


def starts_a_program(names):
    subprocess.Popen(["sleep", "299.75"])
    return len(names)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # the answer's
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux names them")
def test_programs_that_an_answer_has_started_end_with_it():
    assert count.judge(starts_a_program).outcome == "right"
    assert running_sleeps() == 0


def running_sleeps():
    named = (each.info["cmdline"] for each in psutil.process_iter(["cmdline"]))
    return sum(command == ["sleep", "299.75"] for command in named)


def changes_what_all_cells_share(names):
    torch.set_grad_enabled(False)
    torch.set_default_dtype(torch.float64)
    warnings.simplefilter("ignore")
    np.set_printoptions(precision=1)
    os.environ["DLCOURSE_ODD"] = "1"
    np.seterr(all="raise")
    sys.setrecursionlimit(12_345)
    os.chdir("/")
    os.umask(0o077)
    torch.set_default_device("meta")
    torch.use_deterministic_algorithms(True)
    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("mixed_float16")
    keras.config.set_image_data_format("channels_first")
    plt.rcParams["font.size"] = 33
    signal.alarm(600)
    return len(names)


def shared_by_all_cells():
    mask = os.umask(0)
    os.umask(mask)
    return (
        torch.is_grad_enabled(), torch.get_default_dtype(), [*warnings.filters], np.geterr(),
        np.get_printoptions(), dict(os.environ), sys.getrecursionlimit(), os.getcwd(), mask,
        torch.get_default_device(), torch.are_deterministic_algorithms_enabled(),
        keras.config.floatx(), keras.config.dtype_policy().name,
        keras.config.image_data_format(), dict(plt.rcParams),
    )  # fmt: skip


@exercise.function(ask="How many?", cases=CASES, hints=HINTS, mistakes=[], seconds=60)
def count_slowly(names):
    return len(names)


def test_what_all_cells_share_is_as_before():
    before = shared_by_all_cells()
    assert count_slowly.judge(changes_what_all_cells_share).outcome == "right"
    assert shared_by_all_cells() == before
    left, _ = signal.getitimer(signal.ITIMER_REAL)
    assert left == 0 or left > 600  # that of pytest's own limit


def test_a_debugger_in_an_answer_is_told_at_once_that_nobody_can_type(monkeypatch):
    class Kernel:
        _allow_stdin = True

    class Shell:
        kernel, display_pub = Kernel(), None

    def debugs(names):
        if not Shell.kernel._allow_stdin:
            raise RuntimeError("this frontend does not support input requests.")
        return len(names)

    monkeypatch.setattr(limits, "_notebook", Shell)
    said = count.judge(debugs)
    assert said.outcome == "raised" and "debug it" in said.message
    assert Shell.kernel._allow_stdin


def test_a_large_dictionary_or_text_is_told_shortly():
    assert (
        "a dict of 200000 entries"
        in count.judge(lambda names: dict.fromkeys(range(200_000))).message
    )
    assert len(count.judge(lambda names: "a" * 10**7).message) < 1000


def test_one_number_that_is_seen_at_many_places_is_not_written_out():
    wide = np.broadcast_to(1.0, (1_000_000, 1_000_000))
    assert answers.copied(wide) is wide
    small = np.broadcast_to(1.0, (3, 3))
    assert answers.copied(small) is not small
