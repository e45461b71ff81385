"""Keys of models: OTB's names in scikit-learn's terms, parameters of classes, augmentation; what is wrong with them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from i2db.config import Loaded, load
from i2db.config.otb import OPTIONS, in_scikit, parse_options
from i2db.config.reader import canonical
from i2db.config.toml import write_toml
from i2db.errors import ConfigError
from i2db.learn.catalogue import build
from i2db.learn.specification import ClassifierSpec

CHAIN = (
    "chain : { output_path : 'out', list_tile : 'T31TCJ', s2_path : 's2', ground_truth : 'gt.shp', "
    "data_field : 'code', nomenclature_path : 'n.txt' }\n"
)


def read(folder: Path, rest: str, *overrides: str) -> Loaded:
    (folder / "a.cfg").write_text(CHAIN + rest, encoding="utf-8")
    return load(folder / "a.cfg", overrides, environment={})


def problem(folder: Path, rest: str) -> str:
    with pytest.raises(ConfigError) as caught:
        read(folder, rest)
    first, line = str(caught.value).split("\n")
    assert first == "a.cfg has 1 problem:"
    return line.strip().removeprefix(f"{folder}/")


@pytest.mark.parametrize(
    ("classifier", "options", "model_type", "parameters", "is_standardized"),
    [
        ("libsvm", "-classifier.libsvm.k rbf -classifier.libsvm.c 10", "SVC",
         {"kernel": "rbf", "C": 10, "gamma": 1, "coef0": 0, "degree": 3, "tol": 1e-3}, True),
        ("svm", {"classifier.svm.gamma": 0.5}, "SVC",
         {"kernel": "linear", "C": 1, "gamma": 0.5, "coef0": 0, "degree": 3, "tol": 1e-3}, True),
        ("boost", {"classifier.boost.w": 7, "classifier.boost.m": 2}, "AdaBoostClassifier",
         {"n_estimators": 7, "estimator": {"model_type": "DecisionTreeClassifier", "max_depth": 2}}, False),
        ("dt", {}, "DecisionTreeClassifier", {"max_depth": 10, "min_samples_split": 11}, False),
        ("gbt", {"classifier.gbt.s": 0.1}, "GradientBoostingClassifier",
         {"n_estimators": 200, "learning_rate": 0.1, "subsample": 0.8, "max_depth": 3}, False),
        ("ann", "-classifier.ann.sizes 20 10 -classifier.ann.t back", "MLPClassifier",
         {"hidden_layer_sizes": [20, 10], "activation": "tanh", "tol": 0.01, "max_iter": 1000, "solver": "sgd",
          "learning_rate_init": 0.1, "momentum": 0.1}, True),
        ("knn", {"classifier.knn.k": 3}, "KNeighborsClassifier", {"n_neighbors": 3}, False),
        ("normalbayes", {}, "QuadraticDiscriminantAnalysis", {}, False),
    ],
)  # fmt: skip
def test_classifiers_of_otb(
    classifier: str, options: Any, model_type: str, parameters: dict[str, Any], is_standardized: bool
) -> None:
    made = in_scikit(classifier, parse_options(options))
    assert made == (model_type, parameters, is_standardized)
    built = build(ClassifierSpec(model_type=model_type, parameters=parameters), random_state=1)
    (built.estimator if model_type == "SVC" else built)._validate_params()


def test_every_classifier_of_otb_has_a_counterpart() -> None:
    assert {in_scikit(name, {})[0] for name in OPTIONS} == {
        "RandomForestClassifier", "SVC", "AdaBoostClassifier", "DecisionTreeClassifier", "GradientBoostingClassifier",
        "MLPClassifier", "QuadraticDiscriminantAnalysis", "KNeighborsClassifier",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("rest", "message"),
    [
        ("arg_train : { options : '-classifier.libsvm.m nusvc' }", "no counterpart here: scikit-learn has only csvc"),
        ("arg_train : { options : '-classifier.svm.opt true' }", "cross_validation_parameters searches for the best"),
        ("arg_train : { options : '-classifier.boost.t real' }", "scikit-learn has only discrete"),
        ("arg_train : { options : '-classifier.libsvm.k cubic' }", "one of linear, rbf, poly, sigmoid is needed"),
        ("arg_train : { options : '-classifier.libsvm.c 0' }", "a number, at least 1e-12, is needed"),
        ("arg_train : { options : '-classifier.gbt.shrink 1' }", "classifier.gbt.shrink that i2db does not know"),
        ("arg_train : { classifier : 'ann' }", "ann needs the units of its hidden layers"),
        ("scikit_models_parameters : { model_type : 'SVM' }", "SVM is no classifier that i2db offers: did you mean SV"),
        ("scikit_models_parameters : { model_type : 'SVC', c : 1 }", "SVC has no parameter c: did you mean C?"),
        ("scikit_models_parameters : { model_type : 'SVC', C : 'big' }", "The 'C' parameter of SVC must be a float"),
        (
            "scikit_models_parameters : { model_type : 'SVC', cross_validation_parameters : {'gama' : [1]} }",
            "cross_validation_parameters.gama: SVC has no parameter gama: did you mean gamma?",
        ),
        (
            "scikit_models_parameters : { model_type : 'SVC', cross_validation_parameters : {'C' : [1, -1]} }",
            "The 'C' parameter of SVC must be a float in the range (0.0, inf]. Got -1 instead.",
        ),
        (
            "scikit_models_parameters : { model_type : 'SVC', cross_validation_parameters : {'C' : 1} }",
            "it sets C to 1: a list of settings to try is needed",
        ),
        (
            "scikit_models_parameters : { model_type : 'SVC', C : 1, cross_validation_parameters : {'C' : [1, 2]} }",
            "C is searched, and set as scikit_models_parameters.C",
        ),
        (
            "scikit_models_parameters : { model_type : 'RandomForestClassifier', oob_score : True, bootstrap : False }",
            "oob_score: RandomForestClassifier has samples out of the bag only where bootstrap is True",
        ),
        (
            # Its trees see all samples unless they are told otherwise.
            "scikit_models_parameters : { model_type : 'ExtraTreesClassifier', oob_score : True }",
            "oob_score: ExtraTreesClassifier has samples out of the bag only where bootstrap is True",
        ),
        (
            "scikit_models_parameters : { model_type : 'BaggingClassifier', estimator : 'Tree' }",
            "Tree is no classifier that i2db offers",
        ),
        (
            (
                "scikit_models_parameters : { model_type : 'AdaBoostClassifier', estimator : "
                "{'model_type' : 'DecisionTreeClassifier', 'depth' : 3} }"
            ),
            "DecisionTreeClassifier has no parameter depth: did you mean max_depth?",
        ),
        (
            "scikit_models_parameters : { model_type : 'SVC', standardisation : True }",
            "SVC has no parameter standardisation: did you mean standardization?",
        ),
        (
            (
                "scikit_models_parameters : { model_type : 'BaggingClassifier', estimator : 'DecisionTreeClassifier', "
                "cross_validation_parameters : {'estimator__max_depth' : [2, 'deep']} }"
            ),
            "The 'max_depth' parameter of DecisionTreeClassifier must be an int",
        ),
        (
            (
                "scikit_models_parameters : { model_type : 'BaggingClassifier', "
                "cross_validation_parameters : {'estimator' : ['GaussianNB', 'SVC']} }"
            ),
            "estimator cannot be searched: it makes another kind of model",
        ),
        (
            (
                "scikit_models_parameters : { model_type : 'VotingClassifier', estimators : ['GaussianNB', 'SVC'], "
                "cross_validation_parameters : {'voting' : ['hard', 'soft']} }"
            ),
            "voting cannot be searched",
        ),
        (
            "scikit_models_parameters : { model_type : 'SVC', cross_validation_parameters : {'probability' : [True]} }",
            "probability cannot be searched: the probability of the classes is always computed",
        ),
        (
            "scikit_models_parameters : { model_type : 'VotingClassifier', estimators : ['GaussianNB', 'GaussianNB'] }",
            "Names provided are not unique",
        ),
        (
            "scikit_models_parameters : { model_type : 'VotingClassifier', estimators : ['SVC'], weights : [1, 2] }",
            "there are 1 estimators and 2 weights",
        ),
        (
            "scikit_models_parameters : { model_type : 'AdaBoostClassifier', estimator : 'KNeighborsClassifier' }",
            "AdaBoostClassifier weighs the samples, which its estimator cannot learn from",
        ),
        ("scikit_models_parameters : { model_type : 'SVC', kernel : 'precomputed' }", "in the place of features"),
        (
            "scikit_models_parameters : { model_type : 'SVC', class_weight : {'wheat' : 2} }",
            "class_weight takes codes of classes with their weights, not 'wheat'",
        ),
        (
            "scikit_models_parameters : { model_type : 'HistGradientBoostingClassifier', class_weight : {'6' : 2} }",
            "class_weight by codes is what arg_train.class_weights takes",
        ),
        ("scikit_models_parameters : { model_type : 'VotingClassifier' }", "VotingClassifier needs estimators"),
        ("arg_train : { classifier : 'knn', class_weights : 'balanced' }", "cannot learn from weighted samples"),
        ("arg_train : { class_weights : {'a' : 1} }", "a class code and a weight, 0 or more, are needed"),
        (
            (
                "arg_train : { class_weights : 'balanced' }\n"
                "scikit_models_parameters : { model_type : 'SVC', class_weight : 'balanced' }"
            ),
            "both weigh the classes: keep one of them",
        ),
        ("arg_train : { sample_augmentation : {'activ' : True} }", "sample_augmentation.activ: did you mean activate?"),
        ("arg_train : { sample_augmentation : {'in' : 'x'} }", "sample_augmentation.in cannot be set: the chain"),
        (
            "arg_train : { sampleAugmentation : {'activate' : True, 'samples.strategy' : 'minNumber'} }",
            'has "samples.strategy" minNumber, which needs "samples.strategy.minNumber"',
        ),
        (
            "arg_train : { sample_augmentation : {'activate' : True, 'target_models' : ['1', 'all']} }",
            "target_models has 'all' beside other models",
        ),
        ("dimRed : { dimRed : True, reductionMode : 'sensor' }", 'dim_red.reduction_mode is "sensor"'),
        ("arg_train : { feature_importance : 'gain' }", "it must be one of 'impurity' or 'permutation'"),
    ],
)
def test_one_problem(tmp_path: Path, rest: str, message: str) -> None:
    assert message in problem(tmp_path, rest)


@pytest.mark.parametrize(
    ("rest", "message"),
    [
        ("arg_train : { options : '-classifier.libsvm.prob true', classifier : 'libsvm' }", "always computed"),
        ("scikit_models_parameters : { C : 1 }", "scikit_models_parameters.C: without effect: scikit"),
        ("scikit_models_parameters : { model_type : 'BaggingClassifier', n_jobs : 4 }", "how many threads a model may"),
        (
            "arg_train : { classifier : 'knn' }\nscikit_models_parameters : { model_type : 'SVC' }",
            "arg_train.classifier: without effect: scikit_models_parameters.model_type names the classifier",
        ),
        ("scikit_models_parameters : { model_type : 'SVC', probability : True }", "is always computed"),
        (
            "scikit_models_parameters : { model_type : 'SVC', cross_validation_grouped : True }",
            "cross_validation_parameters has none",
        ),
        ("arg_train : { sample_augmentation : {'activate' : False, 'strategy' : 'smote'} }", "activate is not True"),
        (
            "arg_train : { sample_augmentation : {'activate' : True, 'strategy.smote.neighbors' : 3} }",
            "strategy.smote.neighbors: without effect: the strategy is replicate",
        ),
        ("dimRed : { targetDimension : 6 }", "dim_red.target_dimension: without effect: dim_red.dim_red is not True"),
        ("arg_train : { permutation_repeats : 9 }", "feature_importance does not have permutation"),
    ],
)
def test_one_warning(tmp_path: Path, rest: str, message: str) -> None:
    (warning,) = read(tmp_path, rest).warnings
    assert message in warning


def test_parameters_of_a_class_keep_their_names_through_files_and_overrides(tmp_path: Path) -> None:
    rest = (
        "scikit_models_parameters : { model_type : 'RandomForestClassifier', max_features : None, n_estimators : 7,\n"
        "cross_validation_parameters : {'max_depth' : [3, None]} }"
    )
    config = read(
        tmp_path, rest, "scikit_models_parameters.n_estimators=9", "scikit_models_parameters.criterion=entropy"
    ).config
    assert config.classifier.parameters == {"max_features": "None", "n_estimators": 9, "criterion": "entropy"}
    built = build(config.classifier, random_state=3)
    assert (built.max_features, built.n_estimators, built.criterion, built.random_state) == (None, 9, "entropy", 3)
    (tmp_path / "b.toml").write_text(write_toml(canonical(config)), encoding="utf-8")
    again = load(tmp_path / "b.toml", environment={}).config
    assert again == config
    flat = '[scikit_models_parameters]\nmodel_type = "SVC"\nC = 3\n'
    (tmp_path / "c.toml").write_text(write_toml({"chain": canonical(config)["chain"]}) + "\n" + flat, encoding="utf-8")
    assert load(tmp_path / "c.toml", environment={}).config.classifier.parameters == {"C": 3}


def test_spellings_of_augmentation(tmp_path: Path) -> None:
    rest = (
        "arg_train : { sampleAugmentation : {'activate' : True, 'target_models' : [1, '2'], 'strategy' : 'jitter',\n"
        "'strategy.jitter.stdfactor' : 8, 'samples.strategy' : 'minNumber', 'samples.strategy.minNumber' : 100} }"
    )
    loaded = read(tmp_path, rest, "arg_train.sample_augmentation.strategy.jitter.stdfactor=5")
    found = loaded.config.arg_train.sample_augmentation
    assert (found.target_models, found.strategy, found.std_factor, found.min_number) == (("1", "2"), "jitter", 5, 100)
    assert loaded.warnings == ()


def test_a_random_state_of_the_users_own_seeds_the_model(tmp_path: Path) -> None:
    rest = "scikit_models_parameters : { model_type : 'VotingClassifier', estimators : {\n"
    rest += "'a' : {'model_type' : 'DecisionTreeClassifier', 'random_state' : 8}, 'b' : 'RandomForestClassifier'} }"
    built = build(read(tmp_path, rest).config.classifier, random_state=3)
    assert [(name, member.random_state) for name, member in built.estimators] == [("a", 8), ("b", 3)]
    assert built.voting == "soft"
