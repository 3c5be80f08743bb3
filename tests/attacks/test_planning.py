"""Sizes stay within what was asked for and what there is; equal requests have equal fingerprints, others have not."""

from hypothesis import assume, given
from hypothesis import strategies as st

from penstock.domain import errors
from penstock.domain.formats import FORMATS
from penstock.domain.media import Size
from penstock.domain.planning.sizing import framing_for
from penstock.domain.request import parse_request
from tests.attacks.generated import generated
from tests.domain.facts import asked

sides = st.one_of(st.integers(1, 20_000), st.integers(1, 5))
shown_sizes = st.builds(Size, sides, sides)
formats = st.sampled_from([name for name, facts in FORMATS.items() if facts.kind != "audio"])
wishes = st.fixed_dictionaries(
    {"fit": st.sampled_from(["contain", "cover", "fill", "pad"]), "on_upscale": st.sampled_from(["refuse", "clamp"])},
    optional={"width": sides, "height": sides},
)


def framing(output, wish, shown):
    """None where it is refused to upscale, which `clamp` never is."""
    try:
        return framing_for(asked(FORMATS[output].kind, output, **wish), shown)
    except errors.UpscaleNotAllowed:
        assert wish["on_upscale"] == "refuse"
        return None


@generated
@given(formats, wishes, shown_sizes)
def test_nothing_is_upscaled_and_every_side_is_at_least_one_pixel(output, wish, shown):
    made = framing(output, wish, shown)
    assume(made)
    least = 2 if FORMATS[output].even else 1
    assert least <= min(made.size.width, made.size.height)
    assert 1 <= made.scaled.width <= max(shown.width, least)
    assert 1 <= made.scaled.height <= max(shown.height, least)


@generated
@given(formats, wishes, shown_sizes)
def test_the_output_fits_the_requested_box_and_has_even_sides_where_its_format_needs_them(output, wish, shown):
    made = framing(output, wish, shown)
    assume(made)
    even = FORMATS[output].even
    assert made.size.width <= max(wish.get("width", 10**9), 2 if even else 1)
    assert made.size.height <= max(wish.get("height", 10**9), 2 if even else 1)
    assert not even or made.size.width % 2 == made.size.height % 2 == 0


@generated
@given(formats, wishes, shown_sizes)
def test_cover_fills_the_frame_and_pad_stays_within_it(output, wish, shown):
    made = framing(output, wish, shown)
    assume(made)
    wider, higher = made.scaled.width - made.size.width, made.scaled.height - made.size.height
    if wish["fit"] == "cover" and ("width" in wish or "height" in wish):
        assert min(wider, higher) >= 0
    if wish["fit"] == "pad" and "width" in wish and "height" in wish:
        assert max(wider, higher) <= 0


numbers = st.floats(0, 1) | st.sampled_from([0, 0.0, -0.0, 1, 1.0])
seconds = st.floats(0, 10**6) | st.integers(0, 100) | st.sampled_from([-0.0, 0])
bodies = st.fixed_dictionaries(
    {"url": st.sampled_from(["https://a.example/b", "https://a.example/c"]), "kind": st.just("image"),
    "format": st.just("png")},
    optional={
        "width": st.sampled_from([8, 8.0, 9]), "quality": numbers, "at": seconds | st.just("auto"),
        "fresh": st.booleans(),
        "background": st.sampled_from(["#FFFFFF", "#ffffff", "#000000"]), "fit": st.sampled_from(["contain", "cover"]),
        "webhook_url": st.just("https://a.example/w"), "height": st.none() | st.sampled_from([8, 9]),
    },
)  # fmt: skip


def meaning(request):
    """What the request asks for, compared as values, not as text."""
    told = request.model_dump(exclude={"webhook_url", "fresh"})
    return told | {"background": request.background.lower()}


@generated
@given(bodies, bodies)
def test_equal_requests_and_no_others_have_equal_fingerprints(one, other):
    first, second = parse_request(one), parse_request(other)
    assert (first.fingerprint() == second.fingerprint()) == (meaning(first) == meaning(second))


@generated
@given(
    bodies,
    st.sampled_from([("quality", 0.0, -0.0), ("at", 0, -0.0), ("width", 8, 8.0), ("format", "png", "png")]),
    st.randoms(),
)
def test_neither_spelling_nor_order_matters(body, spelled, random):
    name, one, other = spelled
    fields = list({**body, name: other}.items())
    random.shuffle(fields)
    assert parse_request({**body, name: one}).fingerprint() == parse_request(dict(fields)).fingerprint()
