"""The tables, figures and sections about features: which move, what they do and mean, and what they are good for."""

from sts_eval.records.paper_answer import Rule
from sts_eval.reproduction import correlations as r
from sts_eval.reproduction import interventions as done
from sts_eval.reproduction import published
from sts_eval.reproduction.entry import RELATED, Check, Entry
from sts_eval.reproduction.equal_gain import others_moved_less

EXPERIMENTS: tuple[Entry, ...] = (
    Entry(
        id="section-3.1",
        source="Section 3.1",
        title="The change is concentrated in few features",
        claim="The 100 most changed features hold a quarter of the change.",
        published=published.SECTION_3_1,
        checks=(
            Check(
                "share",
                "the 100 most changed features hold a quarter of the change or more",
                done.concentration,
                "share",
                Rule(least=0.25),
            ),
        ),
        recipe="runs",
        note="100 of the paper's 28,672 features are .35%. Where 100 are more than 1%, the share says little and no "
        "interval is given.",
    ),
    Entry(
        id="figure-1b",
        source="Figure 1b",
        title="Zero-ablation",
        claim="The model needs the shifted features: setting them to zero costs much, setting random ones to zero "
        "costs nothing.",
        published=(),
        checks=(
            Check(
                "moved",
                "the tuned model loses more without the features that tuning moved than without random live features",
                done.moved_hurt_more("random"),
                "nats per token",
            ),
            Check(
                "moved-matched",
                "the tuned model loses more without the moved features than without features as active as the "
                "predicted ones",
                done.moved_hurt_more("matched"),
                "nats per token",
                control=True,
            ),
            Check(
                "random",
                "the untuned model loses more without predicted features than without random live features",
                done.predicted_hurt_more("random"),
                "nats per token",
                control=True,
            ),
            Check(
                "matched",
                "the untuned model loses more without predicted features than without equally active ones",
                done.predicted_hurt_more("matched"),
                "nats per token",
                control=True,
            ),
        ),
        recipe="ablation",
        note="The paper gives no accuracies. What a model loses is the rise of its loss on held-out answers of the "
        "training set. A feature "
        "is live if it fires on a question of the training set. Random features hardly ever fire, so the controls with "
        "equally active ones are the fair comparison.",
    ),
    Entry(
        id="table-7",
        source="Table 7",
        title="What the shifted features mean",
        claim="Shifted features are about the training set.",
        published=published.TABLE_7,
        checks=(
            Check(
                "share",
                "shifted features are labelled with the training set more often than all live features",
                done.share_above_base_rate,
                "difference of shares",
            ),
        ),
        recipe="meanings",
        note="The paper chooses among three labels and gives no base rate. Here a label may be the training set, any "
        "domain or "
        "neutral text. So the share itself is not comparable; the share above the base rate is.",
    ),
    Entry(
        id="table-8",
        source="Table 8",
        title="Are features about the training set shifted?",
        claim="Features about the training set are among the shifted ones, and other features are not.",
        published=published.TABLE_8,
        checks=(
            Check(
                "recall",
                "features labelled with the training set are shifted more often than others",
                done.recall_of_label,
                "difference of shares",
            ),
        ),
        recipe="meanings",
    ),
    Entry(
        id="table-10",
        source="Section 5, Table 10",
        title="Data mixture",
        claim="Rows added in the ratio of STS keep other domains from falling, and the target keeps most of its gain.",
        published=published.TABLE_10,
        checks=(
            Check("target", "the target gains with rows added by STS", done.target_gain, "points"),
            Check("protected", "protected domains do better than without added rows", done.protection, "points"),
            Check(
                "equal",
                "protected domains do better than with rows split equally",
                done.over_equal_split,
                "points",
                control=True,
            ),
        ),
        recipe="mixture",
        note="The paper has no equal split, and only one seed.",
        also=("section-5",),
    ),
    Entry(
        id="table-11",
        source="Table 11, Figure 7",
        title="Selective tuning",
        claim="Tuning predicted features alone helps more than tuning random ones, and less than full fine-tuning.",
        published=published.TABLE_11,
        checks=(
            Check(
                "others",
                "at equal gain predicted features move every other domain less than LoRA or full fine-tuning does",
                others_moved_less("logprob_delta"),
                "nats",
                control=True,
            ),
            Check(
                "others-accuracy",
                "the same by the domains' accuracy",
                others_moved_less("delta"),
                "points",
                control=True,
            ),
            Check(
                "random", "predicted features gain more than random ones", done.gain_over("random"), "nats per token"
            ),
            Check(
                "full",
                "full or LoRA fine-tuning gains more than tuning predicted features",
                done.full_gain_over,
                "nats per token",
            ),
            Check(
                "matched",
                "predicted features gain more than equally active ones",
                done.gain_over("matched"),
                "nats per token",
                control=True,
            ),
        ),
        recipe="selective",
        note="A gain is a rise of the log-probability of held-out rows of the training set. The paper has one run and "
        "no errors, and does not ask what becomes of other domains (all but the training set's home). LoRA at equal "
        "gain is interpolated from no training on, which makes its noise smaller: the difference errs in its favour.",
        also=("figure-7",),
    ),
    Entry(
        id="section-6",
        source="Section 6",
        title="Reinforcement learning",
        claim="Demonstrations find the moved features less well for GRPO than for fine-tuning. STS works with the "
        "features that really moved, and less well with the predicted ones.",
        published=(),
        checks=(
            Check(
                "overlap",
                "predicted and moved features overlap less for GRPO than for fine-tuning, each less its overlap by "
                "chance",
                done.less_overlap_than_supervised,
                "share of 100",
            ),
            Check(
                "actual",
                "r of STS_ICL on the moved features with |Δ| is .5 or more",
                r.r_with_size("oracle_icl", r.reinforced),
                "r",
                RELATED,
            ),
            Check(
                "advantage",
                "r of STS_ICL on the moved features is above that on the predicted ones",
                r.advantage("oracle_icl", "sts_icl", r.reinforced),
                "difference of r",
            ),
            Check("reward", "GRPO raised the reward of held-out rows", done.reward_gain, "reward", control=True),
            Check(
                "on-policy",
                "demonstrations with the model's own accepted answers find more of the moved features than those with "
                "the set's answers",
                done.on_policy_overlap,
                "share of 100",
                control=True,
            ),
        ),
        recipe="reinforcement",
        note="The paper gives no figures and no hyperparameters.",
    ),
)
