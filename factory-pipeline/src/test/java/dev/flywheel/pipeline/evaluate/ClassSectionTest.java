package dev.flywheel.pipeline.evaluate;

import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.core.model.Task;
import dev.flywheel.core.stat.Metric;
import java.util.List;
import java.util.OptionalInt;
import java.util.Random;
import org.junit.jupiter.api.Test;

class ClassSectionTest {

    private static final double[] LABELS = new double[300];
    private static final double[] SCORES = new double[900];

    static {
        Random random = new Random(3);
        for (int row = 0; row < LABELS.length; row++) {
            LABELS[row] = row % 3;
            double decided = 0.4 + 0.5 * random.nextDouble();
            for (int i = 0; i < 3; i++) {
                // of class 2 every row is taken for class 0, the others are decided rightly
                SCORES[3 * row + i] = i == row % 3 % 2 ? decided : (1 - decided) / 2;
            }
        }
    }

    private static RunReport report(RunReport.Models models) {
        RunReport rest = SampleReports.failed("weather", "nothing");
        return new RunReport(rest.head(), rest.data(), models, rest.verdicts(), rest.lineage());
    }

    @Test
    void showsWhatIsDecidedAsWhat() {
        Evaluation evaluation = Evaluation.of(Task.MULTICLASS, LABELS, SCORES).against(SCORES);
        RunReport report = report(new RunReport.Models(
                Task.MULTICLASS,
                List.of(),
                OptionalInt.empty(),
                null,
                evaluation.diagnostics(),
                evaluation.championDiagnostics().orElseThrow(),
                List.of(),
                List.of("sun", "rain", "snow"),
                null,
                null));
        String section = new PageSource(report.html()).section("How the winner predicts");
        assertThat(section)
                .contains("predicted snow")
                .contains("actually rain")
                .contains("Decisions of the champion")
                .contains("Share of rows decided rightly over the probability of the most probable class")
                .doesNotContain("ROC");
        RunReport read = RunReport.read(report.json(), "a test");
        assertThat(read.models().winnerDiagnostics()).isEqualTo(evaluation.diagnostics());
        assertThat(read.models().classes()).containsExactly("sun", "rain", "snow");
    }

    @Test
    void comparesWithTheChampionByItsDecisions() {
        double[] better = SCORES.clone();
        for (int row = 2; row < 150; row += 3) {
            better[3 * row] = 0.1;
            better[3 * row + 1] = 0.1;
            better[3 * row + 2] = 0.8;
        }
        Evaluation evaluation = Evaluation.of(Task.MULTICLASS, LABELS, better).against(SCORES);
        assertThat(Gate.betterThanChampion(Metric.ACCURACY).judge(evaluation).evidence())
                .startsWith("candidate 0.8333, champion 0.6667, advantage +0.1667")
                .contains("only the candidate right on 50, only the champion on 0");
        assertThat(Gate.atLeast(Metric.ROC_AUC, 0.5).judge(evaluation).evidence())
                .isEqualTo("ROC AUC was not computed: it does not fit a model of task MULTICLASS");
    }

    @Test
    void probabilitiesThatDoNotSumToOneAreImpossible() {
        Evaluation evaluation =
                Evaluation.of(Task.MULTICLASS, new double[] {0, 1}, new double[] {0.25, 0.75, 0.5, 0.75});
        assertThat(evaluation.metrics().get(Metric.ACCURACY))
                .extracting("method")
                .isEqualTo("undefined: the model predicted probabilities for row 1 that sum to 1.25");
    }
}
