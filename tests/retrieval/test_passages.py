from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from retrieval.documents import Document
from retrieval.passages import MAX_WORDS, cut
from retrieval.sources.building import DocumentBuilder

prose = st.text(alphabet="abc de. £!?\n", max_size=1500)
pieces = st.lists(
    st.one_of(
        st.tuples(st.just("heading"), st.integers(1, 4), st.text(alphabet="abc ", min_size=1, max_size=20)),
        st.tuples(st.just("paragraph"), st.just(0), prose),
        st.tuples(st.just("items"), st.just(0), st.lists(prose, max_size=6)),
        st.tuples(st.just("table"), st.just(0), st.lists(st.lists(prose, max_size=4), max_size=5)),
        st.tuples(st.just("faq"), st.just(0), prose),
    ),
    max_size=12,
)


@given(pieces)
def test_every_passage_is_a_slice_of_its_document(listed: list[tuple[str, int, object]]) -> None:
    document = built(listed)
    passages = cut(document)
    for passage in passages:
        assert passage.text == document.text[passage.start : passage.end] != ""
        assert passage.kind == "faq" or len(passage.text.split()) <= MAX_WORDS
    for before, after in pairwise(passages):
        assert before.end <= after.start
    covered = "".join(passage.text for passage in passages)
    blocks = "".join(document.text[block.start : block.end] for block in document.blocks)
    assert "".join(covered.split()) == "".join(blocks.split())


def built(listed: list[tuple[str, int, object]]) -> Document:
    builder = DocumentBuilder()
    for kind, level, content in listed:
        if kind == "heading":
            builder.heading(level, str(content))
        elif kind == "faq":
            builder.faq("Is it?", str(content))
        elif kind == "paragraph":
            builder.paragraph(str(content))
        elif kind == "items":
            builder.items(content)  # type: ignore[arg-type]
        else:
            builder.table(content)  # type: ignore[arg-type]
    return builder.document("d")


def test_a_passage_never_crosses_a_heading() -> None:
    builder = DocumentBuilder()
    for name in ("Express", "Standard"):
        builder.heading(2, name)
        builder.paragraph(f"{name} is short.")
    assert [(p.heading, p.text) for p in cut(builder.document("d"))] == [
        (("Express",), "Express is short."),
        (("Standard",), "Standard is short."),
    ]


def test_a_list_stays_with_the_sentence_that_introduces_it() -> None:
    builder = DocumentBuilder()
    builder.paragraph("word " * 90 + "end. These are the steps:")
    builder.items(["Open the box.", "Lift the lid."] * 8)
    first, second = cut(builder.document("d"))
    assert first.text.endswith("end.")
    assert second.text.startswith("These are the steps:\n\n- Open")


def test_a_long_table_is_cut_between_rows() -> None:
    builder = DocumentBuilder()
    builder.table([["Service", "Price"], *[[f"Service number {n} by courier", f"£{n}.95"] for n in range(40)]])
    passages = cut(builder.document("d"))
    assert len(passages) > 1
    assert all(line.startswith("Service: Service number") for p in passages for line in p.text.split("\n"))


def test_a_faq_pair_is_one_passage_however_long() -> None:
    builder = DocumentBuilder()
    builder.faq("How?", "Like this. " * 200, "Topic")
    builder.faq("Why?", "Because.", "Topic")
    first, second = cut(builder.document("d"))
    assert first.heading == ("Topic", "How?")
    assert first.kind == second.kind == "faq"
    assert second.text == "Because."


def test_a_paragraph_that_fits_is_not_torn_apart() -> None:
    builder = DocumentBuilder()
    builder.paragraph("One two three. " * 20)
    builder.paragraph("Four five six. " * 20)
    first, second = cut(builder.document("d"))
    assert first.text == ("One two three. " * 20).strip()
    assert second.text == ("Four five six. " * 20).strip()
