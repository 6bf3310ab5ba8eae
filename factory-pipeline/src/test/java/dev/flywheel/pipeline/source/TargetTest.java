package dev.flywheel.pipeline.source;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.flywheel.core.DataException;
import dev.flywheel.core.model.Task;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import org.junit.jupiter.api.Test;

class TargetTest {

    private static double parse(Target<?> target, String text) {
        return target.parse(new CellParser().at(text.toCharArray(), 0, text.length()));
    }

    @Test
    void truthIsReadInItsUsualSpellings() {
        Target<Boolean> target = Target.isTrue("churn");
        assertThat(parse(target, "Yes")).isEqualTo(1);
        assertThat(parse(target, "0")).isEqualTo(0);
        assertThat(parse(target, "perhaps")).isNaN();
        assertThat(parse(target, "")).isNaN();
        assertThat(target.task()).isEqualTo(Task.BINARY);
        assertThat(target).hasToString("churn is true");
    }

    @Test
    void oneTextIsTrueAndEveryOtherFalse() {
        Target<Boolean> target = Target.equal("type", "spam");
        assertThat(parse(target, "spam")).isEqualTo(1);
        assertThat(parse(target, "Spam")).isEqualTo(0);
        assertThat(parse(target, "nonspam")).isEqualTo(0);
        assertThat(parse(target, "")).isNaN();
        assertThat(target).hasToString("type is \"spam\"");
    }

    @Test
    void theThresholdItselfIsTrue() {
        Target<Boolean> target = Target.atLeast("delay", 15);
        assertThat(parse(target, "15")).isEqualTo(1);
        assertThat(parse(target, "14.99")).isEqualTo(0);
        assertThat(parse(target, "-1116")).isEqualTo(0);
        assertThat(parse(target, "NA")).isNaN();
        assertThat(parse(target, "late")).isNaN();
        assertThat(parse(target, "inf")).isNaN();
        assertThat(target).hasToString("delay at least 15");
        assertThat(Target.atLeast("delay", 0.5)).hasToString("delay at least 0.5");
    }

    @Test
    void aNumberIsItself() {
        Target<Double> target = Target.number("price");
        assertThat(parse(target, "-3.5")).isEqualTo(-3.5);
        assertThat(parse(target, "x")).isNaN();
        assertThat(target.task()).isEqualTo(Task.REGRESSION);
        assertThat(target.logScale()).isFalse();
        assertThat(target).hasToString("price");
    }

    @Test
    void aLogScaleRefusesWhatHasNoLogarithm() {
        Target<Double> target = Target.number("price").onLogScale();
        assertThat(parse(target, "3")).isEqualTo(3);
        assertThat(parse(target, "0")).isNaN();
        assertThat(parse(target, "-1")).isNaN();
        assertThat(target.logScale()).isTrue();
        assertThat(target).hasToString("price on a log scale");
        assertThatThrownBy(() -> target.encode(0.0))
                .isInstanceOf(DataException.class)
                .hasMessage(
                        "label 0.0 of \"price\" cannot be used: expected a finite number above 0, because it is"
                                + " learned on a log scale. Fix: leave such outcomes out, or learn the target on its raw scale.");
    }

    @Test
    void onlyNumbersHaveAScaleAndItIsSetOnce() {
        assertThatThrownBy(() -> Target.isTrue("churn").onLogScale())
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("the target \"churn is true\" is no number, only numbers have a scale");
        assertThatThrownBy(() -> Target.number("price").onLogScale().onLogScale())
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("the target \"price on a log scale\" is on a log scale already");
    }

    @Test
    void labelsAreNumbersAndBack() {
        Target<Boolean> late = Target.atLeast("delay", 15);
        assertThat(late.encode(true)).isEqualTo(1);
        assertThat(late.encode(false)).isEqualTo(0);
        assertThat(late.decode(1)).isTrue();
        assertThat(late.decode(0.5)).isTrue();
        assertThat(late.decode(0.49)).isFalse();
        Target<Double> price = Target.number("price");
        assertThat(price.encode(2.5)).isEqualTo(2.5);
        assertThat(price.decode(2.5)).isEqualTo(2.5);
        assertThatThrownBy(() -> price.encode(Double.NaN))
                .isInstanceOf(DataException.class)
                .hasMessage("label NaN of \"price\" cannot be used: expected a finite number. Fix: leave such outcomes"
                        + " out.");
    }

    enum Strength {
        STORM,
        HURRICANE
    }

    @Test
    void aClassIsItsPlaceAmongThem() {
        Target<String> status = Target.oneOf("status", "storm", "depression", "hurricane");
        assertThat(parse(status, "depression")).isEqualTo(1);
        assertThat(parse(status, "Depression")).isNaN();
        assertThat(parse(status, "")).isNaN();
        assertThat(status.task()).isEqualTo(Task.MULTICLASS);
        assertThat(status.classes()).containsExactly("storm", "depression", "hurricane");
        assertThat(status.encode("hurricane")).isEqualTo(2);
        assertThat(status.decode(2)).isEqualTo("hurricane");
        assertThat(status).hasToString("status is one of \"storm\", \"depression\", \"hurricane\"");
        assertThatThrownBy(() -> status.encode("gale"))
                .isInstanceOf(DataException.class)
                .hasMessage("label gale of \"status\" cannot be used: expected one of \"storm\", \"depression\","
                        + " \"hurricane\". Fix: leave such outcomes out.");
    }

    @Test
    void theConstantsOfAnEnumAreClasses() {
        Target<Strength> strength = Target.oneOf("status", Strength.class);
        assertThat(strength.classes()).containsExactly("STORM", "HURRICANE");
        assertThat(parse(strength, "HURRICANE")).isEqualTo(1);
        assertThat(strength.encode(Strength.HURRICANE)).isEqualTo(1);
        assertThat(strength.decode(0)).isEqualTo(Strength.STORM);
    }

    @Test
    void classesAreTwoOrMoreWithNamesOfTheirOwn() {
        assertThatThrownBy(() -> Target.oneOf("status", "storm"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("the target \"status\" needs two or more classes, each with a name of its own, found"
                        + " [storm]");
        assertThatThrownBy(() -> Target.oneOf("status", "storm", "storm")).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> Target.oneOf("status", "storm", " ")).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void impossibleTargetsAreRefused() {
        assertThatThrownBy(() -> Target.number(" "))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("a target needs the name of a column, found \" \"");
        assertThatThrownBy(() -> Target.atLeast("delay", Double.NaN))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("a target needs a finite threshold, found NaN");
    }

    @Test
    void isAValueThatTravels() throws Exception {
        travels(Target.equal("type", "spam"));
        travels(Target.oneOf("status", Strength.class));
        assertThat(Target.equal("type", "spam"))
                .isNotEqualTo(Target.equal("type", "ham"))
                .isNotEqualTo(Target.isTrue("type"));
        assertThat(Target.oneOf("status", Strength.class)).isNotEqualTo(Target.oneOf("status", "STORM", "HURRICANE"));
    }

    private static void travels(Target<?> target) throws Exception {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (ObjectOutputStream out = new ObjectOutputStream(bytes)) {
            out.writeObject(target);
        }
        try (ObjectInputStream in = new ObjectInputStream(new ByteArrayInputStream(bytes.toByteArray()))) {
            assertThat(in.readObject()).isEqualTo(target).hasSameHashCodeAs(target);
        }
    }

    /** scikit-learn 1.2.1: {@code compute_sample_weight("balanced", [0, 0, 0, 1])}. */
    @Test
    void balancedOutcomesCountTheSameInAll() {
        Target<Boolean> target = Target.isTrue("churn").balanced();
        assertThat(target.weights(new double[] {0, 0, 0, 1}).orElseThrow())
                .containsExactly(2 / 3.0, 2 / 3.0, 2 / 3.0, 2);
        assertThat(target.describe()).isEqualTo("churn is true, outcomes balanced");
        assertThat(target).isNotEqualTo(Target.isTrue("churn"));
        assertThat(Target.isTrue("churn").weights(new double[] {0, 1})).isEmpty();
        assertThat(Target.oneOf("kind", "a", "b", "c")
                        .balanced()
                        .weights(new double[] {0, 1, 1, 2, 2, 2})
                        .orElseThrow())
                .containsExactly(2, 1, 1, 2 / 3.0, 2 / 3.0, 2 / 3.0);
    }

    @Test
    void anOutcomeCountsAsMuchAsWasSaid() {
        Target<String> target =
                Target.oneOf("kind", "a", "b", "c").weighing("b", 5).weighing("c", 0.5);
        assertThat(target.weights(new double[] {2, 1, 0}).orElseThrow()).containsExactly(0.5, 5, 1);
        assertThat(target.describe()).endsWith(", outcomes weigh [1.0, 5.0, 0.5]");
        assertThatThrownBy(() -> target.weighing("a", 0))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("needs a weight above 0, found 0.0");
        assertThatThrownBy(target::balanced)
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("has weights already");
        assertThatThrownBy(() -> Target.number("price").balanced())
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("is a number, only outcomes have weights");
    }
}
