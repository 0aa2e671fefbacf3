"""The network: the MiniLM sentence encoder (BERT, 6 layers, hidden 384) and one linear head per task over its mean.

Written out instead of taken from `transformers`, so that the exported graph holds exactly the operations seen here
and training needs only torch and safetensors.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

from training.labels import EMOTIONS, SENTIMENTS

HIDDEN: Final = 384
LAYERS: Final = 6
HEADS: Final = 12
HEAD_SIZE: Final = HIDDEN // HEADS
FEED_FORWARD: Final = 1536
VOCABULARY: Final = 30_522
POSITIONS: Final = 512
LAYER_NORM_EPS: Final = 1e-12

# Added to the attention logits of padding. exp() of it is exactly 0 in fp32, so padding has no influence at all,
# and unlike -inf it gives no NaN in a row that is padding only.
MASKED: Final = -1e4


class TextDropout(nn.Module):
    """Dropout with one mask per text, shared by its tokens: drawing a mask per token takes 10 % of a step on CPU."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, x: Tensor) -> Tensor:
        """x [batch, ..., 384], in training with a share `rate` of each text's features set to 0 and the rest scaled."""
        if not self.training or self.rate == 0.0:
            return x
        shape = (x.shape[0],) + (1,) * (x.dim() - 2) + (x.shape[-1],)
        return x * (torch.rand(shape) >= self.rate).to(x.dtype).div_(1.0 - self.rate)


class Layer(nn.Module):
    """One post-norm transformer layer; query, key and value come from one matrix."""

    def __init__(self, dropout: float) -> None:
        super().__init__()
        self.query_key_value = nn.Linear(HIDDEN, 3 * HIDDEN)
        self.attention_output = nn.Linear(HIDDEN, HIDDEN)
        self.attention_norm = nn.LayerNorm(HIDDEN, eps=LAYER_NORM_EPS)
        self.widen = nn.Linear(HIDDEN, FEED_FORWARD)
        self.narrow = nn.Linear(FEED_FORWARD, HIDDEN)
        self.output_norm = nn.LayerNorm(HIDDEN, eps=LAYER_NORM_EPS)
        self.dropout = TextDropout(dropout)

    def forward(self, x: Tensor, bias: Tensor) -> Tensor:
        """x [batch, seq, 384] and the additive mask [batch, 1, 1, seq] to the next x, same shape."""
        q, k, v = (
            part.reshape(x.shape[0], -1, HEADS, HEAD_SIZE).transpose(1, 2)
            for part in self.query_key_value(x).split(HIDDEN, dim=-1)
        )
        # Plain matrix products: torch's fused attention takes 30 % of a step on CPU (backward, mostly), these 6 %.
        weights = torch.softmax(q * HEAD_SIZE**-0.5 @ k.transpose(-1, -2) + bias, dim=-1)
        mixed = (weights.to(v.dtype) @ v).transpose(1, 2).reshape(x.shape[0], -1, HIDDEN)
        x = self.attention_norm(x + self.dropout(self.attention_output(mixed)))
        return self.output_norm(x + self.dropout(self.narrow(functional.gelu(self.widen(x)))))


class ChatClassifier(nn.Module):
    """Sentiment and emotion of a text from one pass of the encoder."""

    def __init__(self, dropout: float = 0.1) -> None:
        super().__init__()
        self.words = nn.Embedding(VOCABULARY, HIDDEN)
        self.positions = nn.Embedding(POSITIONS, HIDDEN)
        self.embedding_norm = nn.LayerNorm(HIDDEN, eps=LAYER_NORM_EPS)
        self.layers = nn.ModuleList(Layer(dropout) for _ in range(LAYERS))
        self.dropout = TextDropout(dropout)
        self.sentiment = nn.Linear(HIDDEN, len(SENTIMENTS))
        self.emotion = nn.Linear(HIDDEN, len(EMOTIONS))

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> tuple[Tensor, Tensor]:
        """Token ids and mask, both int64 [batch, seq], to raw logits [batch, 3] and [batch, 7] in fp32."""
        pooled = self.dropout(self.pooled(input_ids, attention_mask))
        return self.sentiment(pooled).float(), self.emotion(pooled).float()

    def pooled(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """The mean over a text's tokens, fp32 [batch, 384]."""
        mask = attention_mask.to(self.words.weight.dtype)
        bias = ((1.0 - mask) * MASKED)[:, None, None, :]
        x = self.words(input_ids) + self.positions.weight[: input_ids.shape[1]]
        x = self.dropout(self.embedding_norm(x))
        for layer in self.layers:
            x = layer(x, bias)
        weights = mask / mask.sum(dim=1, keepdim=True)
        return (x.float() * weights[:, :, None]).sum(dim=1)

    def depth_groups(self) -> Iterator[list[nn.Parameter]]:
        """Parameters from the output (heads) to the input (embeddings): 1 + 6 + 1 groups, for layer-wise rates."""
        yield [*self.sentiment.parameters(), *self.emotion.parameters()]
        for layer in reversed(self.layers):
            yield list(layer.parameters())
        yield [*self.words.parameters(), *self.positions.parameters(), *self.embedding_norm.parameters()]


def from_sentence_encoder(folder: Path, dropout: float = 0.1) -> ChatClassifier:
    """The classifier with the weights of all-MiniLM-L6-v2 (`model.safetensors` in folder) and fresh heads.

    The token-type embedding of type 0 is the same for every token and moves into the position table.
    """
    weights = load_file(folder / "model.safetensors")
    model = ChatClassifier(dropout)
    state = model.state_dict()
    state["words.weight"] = weights["embeddings.word_embeddings.weight"]
    state["positions.weight"] = (
        weights["embeddings.position_embeddings.weight"] + weights["embeddings.token_type_embeddings.weight"][0]
    )
    for part in ("weight", "bias"):
        state[f"embedding_norm.{part}"] = weights[f"embeddings.LayerNorm.{part}"]
        for i in range(LAYERS):
            theirs, ours = f"encoder.layer.{i}", f"layers.{i}"
            state[f"{ours}.query_key_value.{part}"] = torch.cat(
                [weights[f"{theirs}.attention.self.{name}.{part}"] for name in ("query", "key", "value")]
            )
            for ours_name, their_name in (
                ("attention_output", "attention.output.dense"),
                ("attention_norm", "attention.output.LayerNorm"),
                ("widen", "intermediate.dense"),
                ("narrow", "output.dense"),
                ("output_norm", "output.LayerNorm"),
            ):
                state[f"{ours}.{ours_name}.{part}"] = weights[f"{theirs}.{their_name}.{part}"]
    model.load_state_dict(state)
    return model
