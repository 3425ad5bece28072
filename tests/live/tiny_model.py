"""A model of a few hundred tokens that always says the same: what a live test needs, and nothing to download.

Its attention and feed-forward weights are zero, so the last token alone decides the next one. Each sentence below is a
chain of tokens; the chat template ends the prompt with the token that the wanted sentence begins with.
"""

from __future__ import annotations

from pathlib import Path

ANSWER, CALL, TURN, END = "<|answer|>", "<|call|>", "<|turn|>", "<|end|>"

SENTENCES = (
    (ANSWER, "Two", " and", " two", " are", " four", ".", END),
    (CALL, "<tool_call>", '{"name": "add", ', '"arguments": ', '{"numbers": ', "[2, 2]", "}}", "</tool_call>", END),
)

# The tool call is spelt out again for llama.cpp, which learns from the template how this model writes one.
TEMPLATE = """\
{%- if tools %}<|turn|>tools
{% for tool in tools %}{{ tool | tojson }}
{% endfor %}<|end|>
{% endif %}
{%- for message in messages %}<|turn|>{{ message.role }}
{% if message.content %}{{ message.content }}{% endif %}
{%- for call in message.tool_calls or [] %}<tool_call>{"name": "{{ call.function.name }}", "arguments": \
{{ call.function.arguments | tojson }}}</tool_call>{% endfor %}<|end|>
{% endfor %}
{%- if add_generation_prompt %}<|turn|>assistant
{{ '<|call|>' if tools else '<|answer|>' }}{% endif %}"""

WIDTH = 512
"""Of the embedding: one dimension a token, and some to spare."""

CERTAIN = 25.0
"""The logit of the token that comes next; all others have 0."""


def write(path: Path) -> None:
    """Write the model as a GGUF file."""
    import gguf
    import numpy as np

    kinds = gguf.TokenType
    tokens = {"<unk>": kinds.UNKNOWN, **dict.fromkeys((ANSWER, CALL, TURN, END), kinds.CONTROL)}
    tokens |= {f"<0x{byte:02X}>": kinds.BYTE for byte in range(256)}
    tokens |= {_piece(text): kinds.NORMAL for sentence in SENTENCES for text in sentence if text not in tokens}
    number = {token: i for i, token in enumerate(tokens)}

    def zeros(*shape: int) -> np.ndarray:
        return np.zeros(shape, np.float32)

    def ones() -> np.ndarray:
        return np.ones(WIDTH, np.float32)

    following = zeros(len(tokens), WIDTH)
    for sentence in SENTENCES:
        pieces = [number[_piece(text)] for text in sentence]
        following[pieces[1:], pieces[:-1]] = CERTAIN / WIDTH**0.5  # the norm makes a one-hot vector this much longer
    weights = {
        "token_embd": np.eye(len(tokens), WIDTH, dtype=np.float32),
        "blk.0.attn_norm": ones(),
        **{f"blk.0.attn_{name}": zeros(WIDTH, WIDTH) for name in ("q", "k", "v", "output")},
        "blk.0.ffn_norm": ones(),
        **{f"blk.0.ffn_{name}": zeros(WIDTH, WIDTH) for name in ("gate", "up", "down")},
        "output_norm": ones(),
        "output": following,
    }

    writer = gguf.GGUFWriter(path, "llama")
    writer.add_context_length(2048)
    writer.add_embedding_length(WIDTH)
    writer.add_feed_forward_length(WIDTH)
    writer.add_block_count(1)
    writer.add_head_count(8)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_tokenizer_model("llama")
    writer.add_token_list(list(tokens))
    writer.add_token_scores([0.0] * len(tokens))
    writer.add_token_types(list(tokens.values()))
    writer.add_eos_token_id(number[END])
    writer.add_add_bos_token(False)
    writer.add_add_space_prefix(False)
    writer.add_chat_template(TEMPLATE)
    for name, weight in weights.items():
        writer.add_tensor(f"{name}.weight", weight)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _piece(text: str) -> str:
    """A text as llama's tokenizer spells it."""
    return text.replace(" ", "\N{LOWER ONE EIGHTH BLOCK}")
