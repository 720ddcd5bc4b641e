"""What falls due, and when."""

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st
from support.ran_events import START

from nwdaf.anlf.agenda import Agenda

changes = st.lists(
    st.tuples(st.sampled_from(["a", "b", "c"]), st.none() | st.integers(0, 9)), max_size=20
)


@settings(deadline=None)
@given(changes=changes, now_s=st.integers(0, 9))
def test_what_is_due_comes_once_and_the_rest_later(
    changes: list[tuple[str, int | None]], now_s: int
) -> None:
    """The last time entered counts; None strikes it; what is taken out does not come again."""
    agenda = Agenda()
    times = dict(changes)
    for name, due_s in changes:
        agenda.put(name, None if due_s is None else START + timedelta(seconds=due_s))

    due = list(agenda.due(START + timedelta(seconds=now_s)))
    later = list(agenda.due(START + timedelta(seconds=9)))

    assert sorted(due) == sorted(n for n, s in times.items() if s is not None and s <= now_s)
    assert sorted(later) == sorted(n for n, s in times.items() if s is not None and s > now_s)
