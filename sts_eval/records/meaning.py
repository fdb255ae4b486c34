"""What the shifted features mean: a part of the record of a prediction. Sizes are bounded, since it is handed in."""

from pydantic import Field

from sts_eval.records.record import Part

LONGEST_PIECE = 200  # characters

TRAINING, NEUTRAL = "training set", "neutral text"  # names of sources; others have those of domains


class Piece(Part):
    """A token on which the feature fires, or a run of tokens on which it does not."""

    text: str = Field(max_length=LONGEST_PIECE)
    activation: float


class Excerpt(Part):
    """The text around the token on which a feature is most active in one sample."""

    source: str = Field(max_length=200)
    pieces: tuple[Piece, ...] = Field(min_length=1, max_length=256)

    @property
    def peak(self) -> float:
        """The largest activation."""
        return max(piece.activation for piece in self.pieces)


class BackgroundExcerpt(Part):
    """Text drawn at random, to tell a feature's excerpts from."""

    source: str = Field(max_length=200)
    text: str = Field(max_length=LONGEST_PIECE * 16)
    fires: tuple[int, ...] = Field(description="shifted features that are active on any of its tokens")


class FeatureMeaning(Part):
    """One of the first seed's shifted features."""

    feature: int
    shift: float = Field(description="s, the mean squared difference under demonstrations (equation 3)")
    usual: float = Field(
        description="u, mean squared activation in the domains and the neutral text, each weighing one"
    )
    particular: float = Field(description="s / (s + u): 1 if it never fires elsewhere, 0 if it fires all the time")
    spread: float = Field(
        description="evenness of its mean activation m over the domains and the neutral text, "
        "((Σm)² / Σm² - 1) / (n - 1): 0 if only one fires it, 1 if all do alike"
    )
    dropped: str = Field(default="", description="why tables leave it out; empty if they do not")
    shares: dict[str, float] = Field(description="by source, its mean activation as a share of the sum over sources")
    strongest: dict[str, int] = Field(description="by source, how many of its ten strongest samples are of it")
    label: str | None = Field(description="the source of most of these; None if it fires nowhere")
    promotes: tuple[str, ...] = Field(max_length=64, description="tokens that its decoder row makes likeliest")
    neuronpedia: str | None
    excerpts: tuple[Excerpt, ...] = Field(max_length=50, description="the strongest samples, strongest first")


class LabelRate(Part):
    """How many shifted features carry a label, beside what is to be expected."""

    label: str
    n: int = Field(description="shifted features that carry it")
    share: float
    low: float = Field(description="95% interval of the share (Wilson)")
    high: float
    live_share: float = Field(description="base rate: the share among all live features")
    p_live: float = Field(description="probability of n or more among as many random live features")
    matched_share: float = Field(description="the same for live features of equal firing frequency")
    p_matched: float


class Source(Part):
    """A source of samples."""

    n_samples: int
    n_tokens: int


class Meanings(Part):
    """What the shifted features of the first seed mean."""

    neutral: str = Field(description="the neutral text: shipped, or what the user named")
    neutral_sha256: str
    sources: dict[str, Source]
    n_live: int = Field(description="features of the SAE that fire on any sample")
    rates: tuple[LabelRate, ...]
    features: tuple[FeatureMeaning, ...] = Field(description="most particular first, those that are dropped last")
    background: tuple[BackgroundExcerpt, ...] = Field(max_length=2000)

    @property
    def kept(self) -> tuple[FeatureMeaning, ...]:
        """The features that tables show."""
        return tuple(one for one in self.features if not one.dropped)

    @property
    def drop_counts(self) -> dict[str, int]:
        """How many features are left out of tables, by the reason."""
        reasons = [one.dropped for one in self.features if one.dropped]
        return {reason: reasons.count(reason) for reason in dict.fromkeys(reasons)}
