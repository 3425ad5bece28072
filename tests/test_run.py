"""`Run` and `Session`: what they count, when, how long it took, and that no thread or task loses anything."""

from __future__ import annotations

import asyncio
import copy
import decimal
import io
import os
import pickle
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from enum import Enum
from typing import Any

import pytest

import unimeter
from unimeter import MalformedUsage, ModelMetrics, Reading, Run, RunMetrics, Session, UnknownProvider


def chat(read: int, generated: int, **more: Any) -> dict[str, Any]:
    usage = {"prompt_tokens": read, "completion_tokens": generated, "total_tokens": read + generated}
    return {"choices": [], "model": "gpt-x", "usage": usage} | more


class Clock:
    """A clock that goes when it is told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def counts(calls: int, without_usage: int = 0, without_cost: int = 0) -> dict[str, int]:
    return {"calls": calls, "calls_without_usage": without_usage, "calls_without_cost": without_cost}


# what is counted -------------------------------------------------------------------------------------------------------


def test_a_run_adds_up_its_calls_by_role_and_model() -> None:
    run = Run()
    run.record(chat(10, 2))
    run.record(chat(5, 1), "memory_model")
    run.record(chat(3, 1, model="gpt-y"), unimeter.ModelType.MODEL)
    run.record(chat(1, 1), "a_role_of_my_own")
    metrics = run.metrics
    assert (metrics.input_tokens, metrics.output_tokens, metrics.total_tokens) == (19, 5, 24)
    assert metrics.details == {
        "model": [
            ModelMetrics(input_tokens=10, output_tokens=2, total_tokens=12, id="gpt-x", provider="OpenAI Chat"),
            ModelMetrics(input_tokens=3, output_tokens=1, total_tokens=4, id="gpt-y", provider="OpenAI Chat"),
        ],
        "memory_model": [ModelMetrics(input_tokens=5, output_tokens=1, total_tokens=6, id="gpt-x", provider="OpenAI Chat")],
        "a_role_of_my_own": [ModelMetrics(input_tokens=1, output_tokens=1, total_tokens=2, id="gpt-x", provider="OpenAI Chat")],
    }
    assert metrics.additional_metrics == counts(4, without_cost=4)
    assert metrics.cost is None


def test_plain_metrics_take_readings_as_a_run_does() -> None:
    run, plain = Run(), RunMetrics()
    for response in (chat(10, 2), chat(3, 1, usage={"prompt_tokens": 1, "completion_tokens": 1, "cost": 0.1}), None):
        reading = None if response is None else unimeter.read(response)
        run.record(reading)
        plain.record(reading)
    assert plain == run.metrics
    assert plain.additional_metrics == counts(3, 1, 2)


def test_what_uses_nothing_is_not_counted() -> None:
    run = Run()
    moderation = {"id": "x", "model": "m", "results": [{"flagged": False}]}
    assert run.record(moderation) is None
    assert run.record({"input_tokens": 14}, url="https://api.anthropic.com/v1/messages/count_tokens") is None
    assert run.record({"totalTokens": 31, "promptTokensDetails": []}, provider="gemini") is None
    assert run.record([moderation, moderation | {"id": "y"}]) is None
    assert run.messages == []
    with pytest.raises(unimeter.MissingUsage) as failed:
        unimeter.read({"error": {"message": "overloaded"}}, url="https://api.openai.com/v1/moderations")
    assert failed.value.due
    with pytest.raises(unimeter.MissingUsage, match="no usage is due: moderation is not billed") as caught:
        unimeter.read(moderation)
    assert not caught.value.due
    assert not pickle.loads(pickle.dumps(caught.value)).due
    assert unimeter.read(moderation | {"usage": {"prompt_tokens": 3, "completion_tokens": 0}}).metrics.input_tokens == 3


def test_dollars_are_added_exactly() -> None:
    run, session = Run(), Session()
    for _ in range(10):
        run.record(chat(1, 1, usage={"prompt_tokens": 1, "completion_tokens": 1, "cost": 0.1}))
        session.add(RunMetrics(cost=0.1))
    assert (run.metrics.cost, session.metrics.cost) == (1.0, 1.0)
    assert (run.metrics.details or {})["model"][0].cost == 1.0


def test_a_response_without_usage_is_counted_and_never_zero_in_silence() -> None:
    run = Run()
    assert run.record({"choices": [], "model": "gpt-x"}) is None
    assert run.metrics.additional_metrics == counts(1, 1, 1)
    assert run.metrics.details is None


@pytest.mark.parametrize(
    ("response", "error"), [({"a": 1}, UnknownProvider), (chat(1, 1, usage={"prompt_tokens": -1}), MalformedUsage)]
)
def test_what_cannot_be_read_is_an_error_and_counts_nothing(response: Any, error: type[Exception]) -> None:
    run = Run()
    with pytest.raises(error):
        run.record(response)
    assert run.metrics == RunMetrics()
    assert run.messages == []


def test_a_response_recorded_twice_is_two_calls() -> None:
    session = Session()
    with Run(session=session) as outer:
        outer.record(chat(10, 2, id="a"))
        with Run(session=session) as inner:
            inner.record(chat(10, 2, id="a"))
            inner.record(chat(7, 1, id="b"))
            inner.record(unimeter.read(chat(7, 1, id="b")))
        outer.record(chat(7, 1, id="b"))
    assert inner.metrics.input_tokens == 24
    assert outer.metrics.input_tokens == 41
    assert session.metrics.input_tokens == 41
    assert [message.reading and message.reading.id for message in outer.messages] == ["a", "a", "b", "b", "b"]


def test_a_server_that_numbers_its_responses_anew_loses_none() -> None:
    run = Run()
    run.record(chat(10, 2, id="chatcmpl-1"))
    run.record(chat(11, 2, id="chatcmpl-1"))
    assert run.metrics.input_tokens == 21


def test_a_model_inside_a_response_has_an_entry_of_its_own() -> None:
    usage = {
        "input_tokens": 10,
        "output_tokens": 2,
        "iterations": [
            {"type": "message", "input_tokens": 10, "output_tokens": 2},
            {"type": "advisor_message", "model": "claude-advisor", "input_tokens": 100, "output_tokens": 5},
        ],
    }
    run = Run()
    run.record({"type": "message", "model": "claude-x", "id": "m", "usage": usage})
    metrics = run.metrics
    assert [(entry.id, entry.input_tokens) for entry in (metrics.details or {})["model"]] == [
        ("claude-x", 10),
        ("claude-advisor", 100),
    ]
    assert (metrics.input_tokens, (metrics.additional_metrics or {})["calls"]) == (110, 1)


def test_several_calls_in_one_body_are_counted_each() -> None:
    first, second = chat(10, 2, id="1", object="chat.completion"), chat(3, 1, id="2", object="chat.completion", model="gpt-y")
    run = Run()
    run.record(first)
    run.record([first, second])
    metrics = run.metrics
    assert metrics.input_tokens == 23
    assert [entry.id for entry in (metrics.details or {})["model"]] == ["gpt-x", "gpt-y"]
    assert (metrics.additional_metrics or {})["calls"] == 3


def test_of_several_responses_a_failed_request_is_no_call_and_one_without_usage_is_one() -> None:
    failed = {"custom_id": "1", "response": {"status_code": 429, "body": {"error": {"code": "slow"}}}}
    silent = {"custom_id": "2", "response": {"status_code": 200, "body": {**chat(1, 1), "usage": None}}}
    good = {"custom_id": "3", "response": {"status_code": 200, "body": chat(10, 2)}}
    run, metrics = Run(), RunMetrics()
    run.record([failed, silent, good])
    metrics.record(unimeter.read([failed, silent, good]))
    assert run.metrics.additional_metrics == metrics.additional_metrics == counts(2, 1, 2)
    assert run.metrics.total_tokens == metrics.total_tokens == 12


def test_nothing_that_a_run_gives_out_is_shared_with_it() -> None:
    run = Run()
    reading = run.record(chat(10, 2, service_tier="flex"))
    assert reading is not None
    first = run.metrics
    (first.details or {})["model"][0].accumulate(first.details["model"][0])  # type: ignore[index]  # there are details
    ((first.details or {})["model"][0].provider_metrics or {})["service_tier"] = "changed"
    reading.metrics.input_tokens = 1_000
    run.messages.clear()
    again = run.metrics
    assert again.input_tokens == 10
    assert (again.details or {})["model"][0].provider_metrics == {"service_tier": "flex"}
    assert len(run.messages) == 1


# runs within runs ------------------------------------------------------------------------------------------------------


def test_runs_nest_and_each_thing_is_counted_once() -> None:
    session = Session()
    with Run(session=session) as outer:
        outer.record(chat(10, 1))
        with Run(session=session) as inner:
            inner.record(chat(5, 1), "memory_model")
            assert outer.metrics.input_tokens == 15  # at once, not only at the end
            with Run() as innermost:
                innermost.record(chat(2, 1))
                assert Run.current() is innermost
        assert Run.current() is outer
    assert Run.current() is None
    assert [run.metrics.input_tokens for run in (innermost, inner, outer)] == [2, 7, 17]
    assert session.metrics.input_tokens == 17


def test_an_exception_keeps_what_there_was() -> None:
    session = Session()
    run = Run(session=session)

    def fail() -> None:
        with run:
            run.record(chat(10, 1))
            with run.tool("divide"):
                raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert session.metrics.input_tokens == 10
    assert run.metrics.duration is not None
    assert run.tools[0].metrics.duration is not None


def test_two_agents_with_one_model_are_not_doubled() -> None:
    """Counters on a shared client, summed once an agent, say 200 for 100 and 160 for 80 (cases.md, class L)."""
    with Run() as crew:
        with Run() as first:
            first.record(chat(80, 20, id="1"))
        with Run() as second:
            second.record(chat(80, 20, id="2"))
    assert [run.metrics.total_tokens for run in (first, second, crew)] == [100, 100, 200]
    entries = (crew.metrics.details or {})["model"]
    assert [(entry.input_tokens, entry.output_tokens) for entry in entries] == [(160, 40)]


def test_concurrent_agents_count_their_own_calls() -> None:
    """Differences of a shared counter around concurrent tasks say 80 and 80 for 50 and 30 (cases.md, class L)."""
    runs: dict[int, Run] = {}
    meeting = threading.Barrier(2)

    def agent(tokens: int) -> None:
        with Run() as run:
            runs[tokens] = run
            meeting.wait()
            run.record(chat(tokens, 0))
            meeting.wait()

    threads = [threading.Thread(target=agent, args=(tokens,)) for tokens in (50, 30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {tokens: run.metrics.input_tokens for tokens, run in runs.items()} == {50: 50, 30: 30}


def test_a_pool_works_inside_the_run_that_it_is_bound_to() -> None:
    def work(tokens: int) -> None:
        current = Run.current()
        assert current is not None
        current.record(chat(tokens, 0))

    with Run() as run, ThreadPoolExecutor(4) as pool:
        list(pool.map(run.bound(work), range(1, 11)))
        assert pool.submit(Run.current).result() is None  # a plain thread inherits nothing
    assert run.metrics.input_tokens == 55


def test_tasks_inherit_the_run_and_a_bound_coroutine_has_it() -> None:
    async def work(tokens: int) -> None:
        current = Run.current()
        assert current is not None
        await asyncio.sleep(0)
        current.record(chat(tokens, 0))

    async def main() -> tuple[Run, Run]:
        elsewhere = Run()
        async with Run() as run:
            await asyncio.gather(*(work(1) for _ in range(10)), asyncio.to_thread(lambda: Run.current().record(chat(5, 0))))  # type: ignore[union-attr]  # there is one
            await elsewhere.bound(work)(7)
        return run, elsewhere

    run, elsewhere = asyncio.run(main())
    assert (run.metrics.input_tokens, elsewhere.metrics.input_tokens) == (15, 7)


def test_many_threads_and_tasks_lose_nothing() -> None:
    session = Session()

    def agent(number: int) -> None:
        with Run(session=session) as run:
            for turn in range(50):
                run.record(chat(1, 2, id=f"{number}-{turn}", model=f"m{number % 3}"))
                with run.tool("t"):
                    run.metrics  # noqa: B018  # a snapshot amid the others' recording
            assert run.metrics.total_tokens == 150

    threads = [threading.Thread(target=agent, args=(number,)) for number in range(64)]
    for thread in threads:
        thread.start()

    async def task(number: int) -> None:
        async with Run(session=session) as run:
            run.record(chat(3, 1, id=f"task-{number}", model="m0"))
            await asyncio.sleep(0)
            run.record(chat(3, 1, id=f"task-{number}", model="m0"))

    async def main() -> None:
        await asyncio.gather(*(task(number) for number in range(1_000)))

    asyncio.run(main())
    for thread in threads:
        thread.join()
    metrics = session.metrics
    assert (metrics.input_tokens, metrics.output_tokens) == (64 * 50 + 6_000, 64 * 100 + 2_000)
    assert sum(entry.total_tokens for entry in (metrics.details or {})["model"]) == metrics.total_tokens
    assert metrics.additional_metrics == counts(64 * 50 + 2_000, without_cost=64 * 50 + 2_000)


def test_no_lock_is_held_while_a_response_is_read() -> None:
    run = Run()

    class Slow(dict[str, Any]):
        def get(self, name: str, default: Any = None) -> Any:
            assert run.metrics is not None  # would never come back
            return super().get(name, default)

    run.record(Slow(chat(1, 1)))
    assert run.metrics.input_tokens == 1


# time ------------------------------------------------------------------------------------------------------------------


def test_the_clock_of_a_run_and_its_first_token() -> None:
    clock = Clock()
    with Run(clock=clock) as run:
        clock.now += 1.0
        with run.call() as call:
            clock.now += 0.25
            call.first_token()
            clock.now += 0.5
            call.first_token()
            call.record(chat(1, 1))
        assert run.metrics.duration == 1.75
        with run.call("parser_model") as call:
            call.first_token()
            call.record(chat(1, 1))
    clock.now += 5
    assert (run.metrics.duration, run.metrics.time_to_first_token) == (1.75, 1.25)
    times = [(message.metrics.duration, message.metrics.time_to_first_token) for message in run.messages]
    assert times == [(0.75, 0.25), (0.0, 0.0)]


def test_times_that_the_caller_measured() -> None:
    clock = Clock()
    with Run(clock=clock) as run:
        clock.now += 3
        run.record(chat(1, 1), duration=1.0, time_to_first_token=0.5)
        run.record(chat(1, 1), duration=1.0, time_to_first_token=0.1)
    assert run.metrics.time_to_first_token == 2.1  # the earliest of calls that overlap, not of the first recorded
    with Run(clock=clock) as run:
        clock.now += 3
        run.record(chat(1, 1), time_to_first_token=0.5)
    assert run.metrics.time_to_first_token is None  # between 0.5 and 3: when the call began is not known
    later = Run()
    later.record(chat(1, 1), duration=1.0, time_to_first_token=0.5)  # after the fact: the call began the run
    assert (later.metrics.time_to_first_token, later.metrics.duration) == (0.5, None)


def test_a_call_that_fails_or_is_not_recorded_is_a_call_without_usage() -> None:
    run = Run()
    with pytest.raises(TimeoutError), run.call():
        raise TimeoutError
    with run.call("output_model"):
        pass
    assert run.metrics.additional_metrics == counts(2, 2, 2)
    assert [(message.model_type, message.reading) for message in run.messages] == [("model", None), ("output_model", None)]


def test_tools_are_timed_in_any_kind_of_block(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.time", lambda: 1_700_000_000.0)
    clock = Clock()
    run = Run(clock=clock)
    with run.tool("search") as call:
        clock.now += 2

    async def main() -> None:
        async with run.tool("fetch"):
            clock.now += 1

    asyncio.run(main())
    assert call.to_dict() == {"start_time": 1_700_000_000.0, "end_time": 1_700_000_002.0, "duration": 2.0}
    assert [(tool.name, tool.metrics.duration) for tool in run.tools] == [("search", 2.0), ("fetch", 1.0)]


# other runs ------------------------------------------------------------------------------------------------------------


def test_background_and_evaluators_runs() -> None:
    background, evaluator = Run(), Run(clock=(clock := Clock()))
    background.record(chat(5, 1), "memory_model")
    with evaluator:
        evaluator.record(chat(7, 1), "model")
        evaluator.record(chat(1, 1), "eval_model")
        clock.now += 2.5
    session = Session()
    with Run(session=session) as run:
        run.record(chat(10, 1))
        run.merge(background)
        run.merge_eval(evaluator)
        run.merge_eval(RunMetrics(duration=0.5))
    assert {name: models[0].input_tokens for name, models in (run.metrics.details or {}).items()} == {
        "model": 10,
        "memory_model": 5,
        "eval_model": 8,
    }
    assert (run.metrics.additional_metrics or {})["eval_duration"] == 3.0
    assert run.metrics.input_tokens == session.metrics.input_tokens == 23
    assert background.metrics.input_tokens == 5


def test_a_run_that_is_counted_already_is_not_merged() -> None:
    session = Session()
    with Run(session=session) as run:
        with Run() as nested:
            nested.record(chat(5, 1))
        with Run(session=session, nested=False) as evaluator:
            evaluator.record(chat(7, 1))
        assert run.metrics.input_tokens == 5
    for other in (nested, run):
        for merge in (run.merge, run.merge_eval, nested.merge):
            with pytest.raises(ValueError, match="counted"):
                merge(other)
    run.merge_eval(evaluator)
    with pytest.raises(ValueError, match="merged already"):
        run.merge(evaluator)
    assert run.metrics.input_tokens == 12
    assert session.metrics.input_tokens == 12  # to which the evaluator had told it already


def test_messages_and_tools_of_nested_runs_are_the_outer_ones_as_well() -> None:
    with Run() as run:
        run.record(chat(10, 1))
        with Run() as nested, nested.tool("search"):
            nested.record(chat(5, 1))
    assert [message.metrics.input_tokens for message in run.messages] == [10, 5]
    assert [call.name for call in run.tools] == ["search"]


def test_wrong_arguments_are_told_at_once() -> None:
    for wrong in ({"session": "s"}, {"parent": Session()}):
        with pytest.raises(TypeError, match="a run belongs to a"):
            Run(**wrong)
    with pytest.raises(TypeError, match="a model type is a word"):
        Run().record(None, None)  # type: ignore[arg-type]  # that is the point
    with pytest.raises(ValueError, match="prefix"):
        Run().merge_eval(RunMetrics(), "judge my")
    for data in (None, [], {"input_tokens": "5"}):
        with pytest.raises(MalformedUsage, match="SessionMetrics: "):
            Session.from_dict(data)  # type: ignore[arg-type]  # that is the point


def test_a_run_is_entered_once_and_never_nested_in_itself() -> None:
    one, two = Run(), Run()
    with one, two, pytest.raises(RuntimeError, match="entered once"), one:
        pass
    assert Run.current() is None
    with pytest.raises(RuntimeError, match="entered once"), one:
        pass


def test_a_generator_that_was_left_takes_no_other_sessions_calls() -> None:
    async def stream(session: Session) -> Any:
        async with Run(session=session) as run:
            for _ in range(3):
                run.record(chat(5, 0))
                yield run

    async def main() -> tuple[Session, Session]:
        first, second = Session(), Session()
        async for _ in (left := stream(first)):
            break
        with Run(session=second) as run:
            run.record(chat(1_000, 0))
        await left.aclose()
        with Run(session=second) as run:
            run.record(chat(1_000, 0))
        return first, second

    first, second = asyncio.run(main())
    assert (first.metrics.input_tokens, second.metrics.input_tokens) == (5, 2_000)


def test_an_ended_run_is_nobodys_outer_one() -> None:
    def generator() -> Any:
        with Run() as run:
            yield run

    one, two = generator(), generator()
    runs = [next(one), next(two)]
    one.close()
    two.close()  # out of order: what it puts back has ended
    assert Run.current() is None
    with Run() as run:
        run.record(chat(5, 0))
    assert [each.metrics.input_tokens for each in runs] == [0, 0]


class Role(str, Enum):  # noqa: UP042  # as agno has it: its str() is not its value
    MEMORY = "memory_model"


def test_roles_are_words_or_members_of_enums() -> None:
    run, plain = Run(), RunMetrics()
    run.record(chat(1, 1), Role.MEMORY)
    plain.record(unimeter.read(chat(1, 1)), Role.MEMORY)
    assert list(run.metrics.details or ()) == list(plain.details or ()) == ["memory_model"]
    for wrong in ("", None, 3):
        with pytest.raises(TypeError, match="a model type is a word"):
            run.record(chat(1, 1), wrong)  # type: ignore[arg-type]  # that is the point


@pytest.mark.parametrize("cost", [True, "0.1", float("nan"), float("inf")])
def test_a_cost_that_is_none_counts_nothing_at_all(cost: Any) -> None:
    reading = Reading("OpenAI Chat", "m", "id", unimeter.MessageMetrics(input_tokens=5, cost=cost))
    run = Run()
    with pytest.raises(MalformedUsage, match="cost"):
        run.record(reading)
    with pytest.raises(MalformedUsage, match="cost"):
        run.merge(RunMetrics(input_tokens=5, cost=cost))
    reading.metrics.cost = 0.1
    run.record(reading)
    assert (run.metrics.input_tokens, run.metrics.cost) == (5, 0.1)


@pytest.mark.parametrize("times", [{"duration": -1.0}, {"time_to_first_token": float("nan")}, {"duration": float("inf")}])
def test_a_time_that_cannot_be_is_refused(times: dict[str, float]) -> None:
    run = Run()
    with pytest.raises(ValueError, match="seconds"):
        run.record(chat(1, 1), **times)
    assert run.metrics == RunMetrics()


def test_dollars_do_not_depend_on_the_programs_decimal_context() -> None:
    with decimal.localcontext(decimal.Context(prec=3, traps=[decimal.Inexact])):
        run = Run()
        run.merge(RunMetrics(cost=1.2345))
        run.merge(RunMetrics(cost=1.2345))
        assert run.metrics.cost == (RunMetrics(cost=1.2345) + RunMetrics(cost=1.2345)).cost == 2.469
        entries = [ModelMetrics(id=name, cost=1.2345) for name in "ab"]
        run.merge(RunMetrics(cost=2.469, details={"model": entries}))
        assert run.metrics.cost == 4.938


def test_blocks_can_be_used_again() -> None:
    clock = Clock()
    run = Run(clock=clock)
    tool, call = run.tool("x"), run.call()
    for seconds in (2, 1):
        with tool, call:
            clock.now += seconds
            if seconds == 2:
                call.record(chat(1, 1))
    assert [one.metrics.duration for one in run.tools] == [2.0, 1.0]
    assert run.metrics.additional_metrics == counts(2, 1, 2)
    run.tools[0].metrics.duration = 99.0
    assert run.tools[0].metrics.duration == 2.0


def test_a_program_may_record_while_the_ledger_is_busy_with_its_data() -> None:
    """The garbage collector and signals run code in the middle of anything; here a copy does."""
    run = Run()

    class Odd(set[int]):
        def __deepcopy__(self, memo: Any) -> set[int]:
            run.record(None)
            assert run.metrics is not None
            return set(self)

    metrics = unimeter.MessageMetrics(input_tokens=1, provider_metrics={"odd": Odd()})
    thread = threading.Thread(target=run.record, args=(Reading("OpenAI Chat", "m", None, metrics),), daemon=True)
    thread.start()
    thread.join(10)
    assert not thread.is_alive()
    assert (run.metrics.additional_metrics or {})["calls"] >= 2


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_forked_process_records_though_the_lock_was_held() -> None:
    run = Run()
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with run._ledger._lock:
            held.set()
            done.wait(10)

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait(10)
    if (child := os.fork()) == 0:
        signal.alarm(5)
        run.record(chat(1, 1))
        os._exit(0 if run.metrics.input_tokens == 1 else 1)
    _, status = os.waitpid(child, 0)
    done.set()
    thread.join()
    assert status == 0


# saved and loaded ------------------------------------------------------------------------------------------------------


def test_a_session_that_was_saved_and_loaded_equals_one_that_went_on() -> None:
    def use(session: Session, turns: range) -> None:
        for turn in turns:
            with Run(session=session) as run:
                usage = {"prompt_tokens": turn, "completion_tokens": 1, "cost": 0.1}
                run.record(chat(0, 0, model=f"m{turn % 2}", usage=usage, service_tier=str(turn)))

    straight, before = Session(), Session()
    use(straight, range(10))
    use(before, range(4))
    after = Session.from_dict(before.to_dict())
    use(after, range(4, 10))
    assert after.metrics == straight.metrics
    assert after.metrics.cost == 1.0
    assert Session.from_json(straight.to_json()).metrics == straight.metrics
    for twin in (copy.deepcopy(straight), pickle.loads(pickle.dumps(straight))):  # our own
        use(twin, range(1))
        assert twin.metrics != straight.metrics


# shown -----------------------------------------------------------------------------------------------------------------


def test_a_run_in_words_and_figures() -> None:
    session = Session()
    run = Run(session=session)
    run.record(chat(1_000, 20), duration=1.5)
    run.record(None, "parser_model")
    with run.tool("search"):
        pass
    text = str(run)
    for shown in ("messages", "1,000", "gpt-x", "1.500", "no usage", "search", "models", "total", "calls without usage"):
        assert shown in text
    assert "cache" not in text
    assert "1,020" in str(session)
    assert str(Session()) == "nothing recorded"


def test_rich_shows_the_same() -> None:
    rich_console = pytest.importorskip("rich.console")
    run = Run()
    run.record(chat(1_000, 20, model="[bold]"))
    console = rich_console.Console(width=200, file=io.StringIO())
    console.print(run)
    text = console.file.getvalue()
    assert "1,020" in text
    assert "[bold]" in text


def test_a_reading_is_what_is_recorded() -> None:
    run = Run()
    reading = unimeter.read(chat(1, 1))
    assert run.record(reading) is reading
    assert isinstance(run.messages[0].reading, Reading)


def test_a_watched_stream_brings_its_times() -> None:
    stream = unimeter.watch(iter([{"choices": [{"delta": {"content": "Hi"}}]}, chat(9, 2)]))
    assert list(stream)
    run = Run()
    reading = run.record(stream.reading)
    assert reading is not None
    (message,) = run.messages
    assert message.duration == message.metrics.duration == reading.metrics.duration is not None
    assert message.metrics.time_to_first_token == reading.metrics.time_to_first_token is not None
