from __future__ import annotations

from localrun.adapters.traffic import list_disciplines
from localrun.plan import ContainerPlan


def test_ordinary_network_needs_no_discipline():
    assert list_disciplines(ContainerPlan()) == ()


def test_rate_alone_is_the_root():
    (words,) = list_disciplines(ContainerPlan(network_rate="100mbit"))
    assert words[:6] == ("root", "handle", "1:", "tbf", "rate", "100mbit")


def test_rate_stands_below_delay_and_loss():
    outer, inner = list_disciplines(ContainerPlan(network_rate="1mbit", network_delay="50ms", network_loss="1%"))
    assert outer == ("root", "handle", "1:", "netem", "delay", "50ms", "loss", "1%")
    assert inner[:6] == ("parent", "1:1", "handle", "10:", "tbf", "rate")
