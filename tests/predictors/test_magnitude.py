from helpers.study import active_study, moments

from sts_eval.predictors.magnitude import feature_sum, residual_l1, residual_norm


def test_magnitudes_of_two_tokens_by_hand():
    # Lengths 5 and 13, absolute sums 7 and 17, feature sums 3 and 4.
    domain = moments([[3.0, -4.0], [-5.0, 12.0]], [[1.0, 0.0, 2.0], [0.0, 4.0, 0.0]])
    study = active_study(moments(), {"x": domain})
    assert residual_norm(study) == {"x": 9.0}
    assert residual_l1(study) == {"x": 12.0}
    assert feature_sum(study) == {"x": 3.5}


def test_a_domain_of_zeros_has_magnitude_zero():
    study = active_study(moments(), {"x": moments()})
    assert residual_norm(study) == residual_l1(study) == feature_sum(study) == {"x": 0.0}
