import pytest
from courier.parcel import Parcel, State, WrongStep, check_number


def test_the_way_of_a_parcel():
    parcel = Parcel("x", 500)
    for state in (State.PAID, State.SENT, State.DELIVERED):
        parcel.go(state)
    assert parcel.history == [State.CREATED, State.PAID, State.SENT]
    assert not parcel.final


def test_wrong_steps_change_nothing():
    parcel = Parcel("x", 500)
    with pytest.raises(WrongStep, match="created cannot become sent"):
        parcel.go(State.SENT)
    assert parcel.state is State.CREATED
    assert parcel.history == []


def test_what_came_back_can_go_again():
    parcel = Parcel("x", 500, state=State.SENT)
    parcel.go(State.RETURNED)
    parcel.go(State.SENT)
    assert parcel.state is State.SENT


def test_the_end():
    parcel = Parcel("x", 500)
    parcel.go(State.CANCELLED)
    assert parcel.final
    assert Parcel("y", 1).history == []


@pytest.mark.parametrize(
    ("grams", "cents"),
    [(1, 390), (1000, 390), (1001, 590), (5000, 590), (5001, 690), (6000, 690), (7500, 890)],
)
def test_prices_by_weight(grams, cents):
    assert Parcel("x", grams).price() == cents


def test_large_and_light():
    assert Parcel("x", 100, size=(50, 40, 30)).volume_grams() == 12000
    assert Parcel("x", 100, size=(50, 40, 30)).price() == 1290
    assert Parcel("x", 100, size=(11, 10, 10)).volume_grams() == 400


def test_express_adds_half():
    assert Parcel("x", 900, express=True).price() == 585


@pytest.mark.parametrize(
    ("number", "right"),
    [
        ("AB123456782", True),
        ("AB123456784", False),
        ("AB000000000", True),
        ("AB1234567", False),
        ("A1123456782", False),
        ("ABxxxxxxxx0", False),
    ],
)
def test_check_digits(number, right):
    assert check_number(number) is right
