"""What is let in by its content: ONNX, safetensors, JSON, YAML, and nothing that can execute."""

import gzip
import io
import json
import pickle
import resource
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper
from support.mms_uploads import (
    files,
    manifest_of,
    onnx_model,
    safetensors_bytes,
    with_custom_operator,
    with_external_data,
)

from mms_repository.adapters.document_checker import check_json, check_yaml
from mms_repository.adapters.file_checker import FileChecker
from mms_repository.adapters.onnx_checker import check_onnx
from mms_repository.adapters.safetensors_checker import check_safetensors
from mms_repository.descriptions import TensorSignature, TensorSpec
from mms_repository.manifests import ContentError
from nf_runtime.errors import InvalidArgument


def zipped(content: bytes) -> bytes:
    """An archive that holds this."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("model.onnx", content)
    return file.getvalue()


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file to write to."""
    return tmp_path_factory.mktemp("checkers") / "file"


def refusal(check: Callable[[Path], object], path: Path, content: bytes) -> str:
    """Why the checker refuses these bytes."""
    path.write_bytes(content)
    with pytest.raises(ContentError) as caught:
        check(path)
    return str(caught.value)


class TestOnnx:
    """ONNX models."""

    def test_good_model(self, path: Path) -> None:
        """A small valid model passes."""
        path.write_bytes(onnx_model().SerializeToString())
        check_onnx(path)

    def test_what_it_takes_and_gives(self, path: Path) -> None:
        """Inputs that are fed and outputs, with their types and axes; weights are no inputs."""
        model = onnx_model()
        model.graph.input.append(helper.make_tensor_value_info("w", TensorProto.FLOAT, [4]))
        path.write_bytes(model.SerializeToString())
        tensors = check_onnx(path, "model.onnx")
        assert tensors == TensorSignature(
            inputs=(TensorSpec("model.onnx", "x", "FP32", (-1, 4)),),
            outputs=(TensorSpec("model.onnx", "y", "FP32", (-1, 4)),),
        )

    @pytest.mark.parametrize(
        "dtype",
        [TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.FLOAT16, TensorProto.BFLOAT16],
    )
    def test_nan_weights(self, path: Path, dtype: int) -> None:
        """A training that diverged does not come in; infinities do, as masks are made of them."""
        model = onnx_model()
        for value in (float("nan"), float("inf")):
            constant = helper.make_tensor("c", dtype, [2], [1.0, value])
            node = helper.make_node("Constant", [], ["c"], value=constant)
            broken = onnx.load_model_from_string(model.SerializeToString())
            broken.graph.node.append(node)
            if value != value:  # noqa: PLR0124 - NaN is not itself
                assert "NaN" in refusal(check_onnx, path, broken.SerializeToString())
            else:
                path.write_bytes(broken.SerializeToString())
                check_onnx(path)

    def test_nan_in_an_initializer(self, path: Path) -> None:
        """Raw bytes are looked into as well."""
        model = onnx_model()
        (tensor,) = model.graph.initializer
        tensor.ClearField("float_data")
        tensor.raw_data = np.array([1, 2, np.nan, 4], dtype="<f4").tobytes()
        assert "tensor w holds NaN" in refusal(check_onnx, path, model.SerializeToString())

    def test_custom_operator(self, path: Path) -> None:
        """Operators of other domains are code from elsewhere."""
        assert "com.example" in refusal(check_onnx, path, with_custom_operator())

    def test_custom_operator_in_a_subgraph(self, path: Path) -> None:
        """Wherever it hides."""
        content = inside_branch(onnx_model(operator="Magic", domain="com.example").graph)
        assert "com.example" in refusal(check_onnx, path, content)

    def test_local_function(self, path: Path) -> None:
        """Functions have domains of their own; they must be inlined."""
        model = onnx_model(operator="Twice", domain="local")
        node = helper.make_node("Add", ["a", "a"], ["b"])
        opsets = [helper.make_opsetid("", 20)]
        model.functions.append(helper.make_function("local", "Twice", ["a"], ["b"], [node], opsets))
        assert "local" in refusal(check_onnx, path, model.SerializeToString())

    def test_external_data(self, path: Path) -> None:
        """Weights in another file would be read from wherever the model says."""
        assert "another file" in refusal(check_onnx, path, with_external_data())

    def test_external_data_in_an_attribute(self, path: Path) -> None:
        """Constants are tensors, too."""
        tensor = TensorProto(name="c", data_type=TensorProto.FLOAT, dims=[1])
        tensor.external_data.add(key="location", value="/etc/passwd")
        model = onnx_model()
        model.graph.node.append(helper.make_node("Constant", [], ["c"], value=tensor))
        assert "another file" in refusal(check_onnx, path, model.SerializeToString())

    def test_external_data_in_a_subgraph(self, path: Path) -> None:
        """Branches have initializers of their own."""
        model = onnx.load_model_from_string(with_external_data())
        assert "another file" in refusal(check_onnx, path, inside_branch(model.graph))

    def test_training_information(self, path: Path) -> None:
        """Nothing of the training comes along."""
        model = onnx_model()
        model.training_info.add()
        assert "training_info" in refusal(check_onnx, path, model.SerializeToString())

    def test_unknown_operator_set(self, path: Path) -> None:
        """A version of the operators that does not exist is refused."""
        model = onnx_model()
        model.opset_import[0].version = 9999
        assert "9999" in refusal(check_onnx, path, model.SerializeToString())

    def test_types_that_do_not_fit(self, path: Path) -> None:
        """The full check infers shapes and types."""
        model = onnx_model()
        model.graph.output[0].type.tensor_type.elem_type = TensorProto.STRING
        assert "checker says" in refusal(check_onnx, path, model.SerializeToString())

    def test_dangling_input(self, path: Path) -> None:
        """A graph that uses what nobody makes is no model."""
        model = onnx_model()
        model.graph.node[0].input[0] = "nowhere"
        assert "checker says" in refusal(check_onnx, path, model.SerializeToString())

    @pytest.mark.parametrize("content", [b"", b"\x00", b"hello", pickle.dumps({"a": 1})])
    def test_other_bytes(self, path: Path, content: bytes) -> None:
        """What is no protobuf, or an empty one, is refused."""
        refusal(check_onnx, path, content)

    @given(data=st.data())
    @settings(max_examples=100, deadline=None)
    def test_damaged_model(self, path: Path, data: st.DataObject) -> None:
        """Any flipped byte is accepted or refused, never anything worse."""
        content = bytearray(onnx_model().SerializeToString())
        content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
        path.write_bytes(bytes(content))
        try:
            check_onnx(path)
        except ContentError:
            return


def inside_branch(graph: onnx.GraphProto) -> bytes:
    """A model that runs this graph in a branch of an If."""
    branch = onnx.GraphProto()
    branch.CopyFrom(graph)
    branch.ClearField("input")
    node = helper.make_node("If", ["c"], ["y"], then_branch=branch, else_branch=branch)
    outer = helper.make_graph(
        [node],
        "outer",
        [helper.make_tensor_value_info("c", TensorProto.BOOL, [])],
        list(graph.output),
    )
    content: bytes = helper.make_model(outer, ir_version=10).SerializeToString()
    return content


TENSOR = {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16]}


class TestSafetensors:
    """Safetensors files."""

    @pytest.mark.parametrize(
        ("header", "size_bytes"),
        [
            ({}, 0),
            ({"w": TENSOR}, 16),
            ({"w": TENSOR, "__metadata__": {"format": "pt"}}, 16),
            ({"s": {"dtype": "I64", "shape": [], "data_offsets": [0, 8]}}, 8),
            ({"e": {"dtype": "F16", "shape": [0, 3], "data_offsets": [0, 0]}, "w": TENSOR}, 16),
            (
                {
                    "b": {"dtype": "BOOL", "shape": [3], "data_offsets": [16, 19]},
                    "a": TENSOR,
                },
                19,
            ),
        ],
    )
    def test_good_file(self, path: Path, header: dict[str, Any], size_bytes: int) -> None:
        """Tensors in any order that fill the file exactly."""
        path.write_bytes(safetensors_bytes(header, bytes(size_bytes)))
        check_safetensors(path)

    @pytest.mark.parametrize(
        ("dtype", "nan", "infinity"),
        [
            ("F64", b"\x01\x00\x00\x00\x00\x00\xf0\x7f", b"\x00\x00\x00\x00\x00\x00\xf0\xff"),
            ("F32", b"\x00\x00\xc0\xff", b"\x00\x00\x80\x7f"),
            ("F16", b"\x00\x7e", b"\x00\x7c"),
            ("BF16", b"\xc0\x7f", b"\x80\x7f"),
            ("F8_E5M2", b"\x7d", b"\x7c"),
            ("F8_E4M3", b"\xff", b"\xfe"),
        ],
    )
    def test_nan_weights(self, path: Path, dtype: str, nan: bytes, infinity: bytes) -> None:
        """NaN of any type is refused wherever it stands; what is next to it passes."""
        count = 5
        for value in (infinity, nan):
            data = bytes(len(value)) * (count - 1) + value
            header = {"w": {"dtype": dtype, "shape": [count], "data_offsets": [0, len(data)]}}
            content = safetensors_bytes(header, data)
            if value == nan:
                assert "tensor w holds NaN" in refusal(check_safetensors, path, content)
            else:
                path.write_bytes(content)
                check_safetensors(path)

    @pytest.mark.parametrize(
        ("header", "size_bytes"),
        [
            ({"w": TENSOR}, 15),
            ({"w": TENSOR}, 17),
            ({"w": {**TENSOR, "dtype": "OBJECT"}}, 16),
            ({"w": {**TENSOR, "dtype": ["F32"]}}, 16),
            ({"w": {**TENSOR, "shape": [2, 3]}}, 16),
            ({"w": {**TENSOR, "shape": [-2, -2]}}, 16),
            ({"w": {**TENSOR, "shape": [2.0, 2]}}, 16),
            ({"w": {**TENSOR, "shape": "4"}}, 16),
            ({"w": {**TENSOR, "data_offsets": [4, 20]}}, 20),
            ({"w": {**TENSOR, "data_offsets": [16, 0]}}, 16),
            ({"w": {**TENSOR, "data_offsets": [0]}}, 16),
            ({"w": {**TENSOR, "more": 1}}, 16),
            ({"w": {"dtype": "F32"}}, 16),
            ({"w": []}, 16),
            ({"a": TENSOR, "b": TENSOR}, 16),
            ({"w": TENSOR, "__metadata__": {"a": 1}}, 16),
            ({"w": TENSOR, "__metadata__": "x"}, 16),
        ],
    )
    def test_bad_header(self, path: Path, header: dict[str, Any], size_bytes: int) -> None:
        """Holes, overlaps, unknown types and everything else are refused."""
        refusal(check_safetensors, path, safetensors_bytes(header, bytes(size_bytes)))

    @pytest.mark.parametrize(
        "content",
        [
            b"",
            b"\x02\x00\x00",
            struct.pack("<Q", 2**63) + b"{}",
            struct.pack("<Q", 3) + b"{}",
            struct.pack("<Q", 2) + b"[]",
            struct.pack("<Q", 2) + b"\xff\xff",
            struct.pack("<Q", 20_000) + b"[" * 20_000,
            struct.pack("<Q", 14) + b'{"a":1,"a":22}',
            pickle.dumps({"weights": [1.0]}),
        ],
    )
    def test_other_bytes(self, path: Path, content: bytes) -> None:
        """What is no safetensors file is refused."""
        refusal(check_safetensors, path, content)

    @given(content=st.binary(max_size=200))
    @settings(max_examples=200, deadline=None)
    def test_any_header(self, path: Path, content: bytes) -> None:
        """Any bytes as header are accepted or refused, never anything worse."""
        path.write_bytes(struct.pack("<Q", len(content)) + content)
        try:
            check_safetensors(path)
        except ContentError:
            return


class TestDocuments:
    """JSON and YAML."""

    @pytest.mark.parametrize("content", [b"{}", b"[1, 2.5e3, null]", '"ä"'.encode(), b" 1 "])
    def test_good_json(self, path: Path, content: bytes) -> None:
        """Any JSON document passes."""
        path.write_bytes(content)
        check_json(path)

    @pytest.mark.parametrize(
        "content",
        [
            b"",
            b"{",
            b"{} {}",
            b"NaN",
            b"[Infinity]",
            b'{"a": 1, "a": 2}',
            b"\xff",
            b"[" * 100_000,
            b"9" * 10_000,
            b" " * (4 * 1024 * 1024) + b"{}",
            pickle.dumps({}),
        ],
    )
    def test_bad_json(self, path: Path, content: bytes) -> None:
        """What a strict reader would not take does not come in."""
        refusal(check_json, path, content)

    @pytest.mark.parametrize("content", [b"a: 1\nb: [x, {y: z}]\n", b"--- text\n", b"{}"])
    def test_good_yaml(self, path: Path, content: bytes) -> None:
        """Plain YAML passes."""
        path.write_bytes(content)
        check_yaml(path)

    @pytest.mark.parametrize(
        "content",
        [
            b"",
            b"# only a comment\n",
            b"a: b: c",
            b"--- 1\n--- 2\n",
            b"!!python/object/apply:os.system ['true']",
            b"a: !custom 1",
            b"a: &a [x]\nb: *a\n",
            b"[" * 1000 + b"]" * 1000,
            b"\xff",
            b"a: \x00",
            b"when: 2026-99-99",
        ],
    )
    def test_bad_yaml(self, path: Path, content: bytes) -> None:
        """Tags, aliases, depth and several documents are refused."""
        refusal(check_yaml, path, content)

    @given(text=st.text(max_size=100))
    @settings(max_examples=200, deadline=None)
    def test_accepted_yaml_is_harmless(self, path: Path, text: str) -> None:
        """Whatever is accepted, a safe loader can read."""
        path.write_bytes(text.encode(errors="ignore"))
        try:
            check_yaml(path)
        except ContentError:
            return
        yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)


async def test_each_kind_meets_its_checker(tmp_path: Path) -> None:
    """The kind decides, and the refusal names the file."""
    checker = FileChecker()
    contents = {**files(), "card.yaml": b"a: 1"}
    manifest = manifest_of(contents)
    for artifact in manifest.artifacts:
        path = tmp_path / "staged"
        path.write_bytes(contents[artifact.file_name])
        await checker.check(artifact, path)
        path.write_bytes(json.dumps({"not": "this"}).encode()[:-1])
        with pytest.raises(InvalidArgument) as caught:
            await checker.check(artifact, path)
        assert caught.value.reason == "ARTIFACT_REFUSED"
        assert caught.value.metadata == {"file_name": artifact.file_name}
    await checker.close()


def huge_tensor() -> bytes:
    """An ONNX file of a few bytes that says it holds 4 TiB of weights."""
    model = onnx_model()
    (tensor,) = model.graph.initializer
    tensor.dims[:] = [1 << 40]
    content: bytes = model.SerializeToString()
    return content


BOMBS: dict[str, bytes] = {
    "gzip.onnx": gzip.compress(bytes(50_000_000)),
    "gzip.safetensors": gzip.compress(bytes(50_000_000)),
    "gzip.json": gzip.compress(b"[" * 50_000_000),
    "zip.onnx": zipped(bytes(50_000_000)),
    "huge.onnx": huge_tensor(),
    "header.safetensors": struct.pack("<Q", 1 << 60) + b"{}",
    "shape.safetensors": safetensors_bytes(
        {"w": {"dtype": "F32", "shape": [1 << 40], "data_offsets": [0, 1 << 42]}}, b""
    ),
    "deep.json": b"[" * 1_000_000,
    "deep.yaml": b"[" * 100_000,
    "laughs.yaml": b"a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n",
}


@pytest.mark.parametrize("name", BOMBS)
async def test_bomb(tmp_path: Path, name: str) -> None:
    """What is small on the wire and would be large when opened is refused without opening it."""
    checker = FileChecker()
    (artifact,) = manifest_of({name: BOMBS[name]}).artifacts
    (tmp_path / name).write_bytes(BOMBS[name])
    before_bytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    with pytest.raises(InvalidArgument) as caught:
        await checker.check(artifact, tmp_path / name)
    assert caught.value.reason == "ARTIFACT_REFUSED"
    after_bytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    assert after_bytes - before_bytes < 200_000_000
    await checker.close()
