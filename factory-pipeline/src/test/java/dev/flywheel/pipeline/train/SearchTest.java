package dev.flywheel.pipeline.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.flywheel.core.StoreException;
import dev.flywheel.core.TrainingException;
import dev.flywheel.core.data.Column;
import dev.flywheel.core.data.ColumnType;
import dev.flywheel.core.data.Schema;
import dev.flywheel.core.io.Json;
import dev.flywheel.core.model.Task;
import dev.flywheel.core.stat.Metric;
import dev.flywheel.pipeline.feature.FeatureMatrix;
import dev.flywheel.pipeline.feature.Features;
import dev.flywheel.pipeline.feature.TestData;
import dev.flywheel.pipeline.source.Target;
import dev.flywheel.pipeline.train.TrainingListener.Tried;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CancellationException;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SearchTest {

    private static final Target<Double> NUMBER = Target.number("y");
    private static final Target<Boolean> YES = Target.isTrue("y");
    private static final Column LABEL = new Column("$label", ColumnType.NUMBER, false);
    private static final Column TIME = new Column("$time", ColumnType.TIME, false);

    @TempDir
    Path folder;

    @BeforeEach
    void forgetWhatWasAsked() {
        Curve.ASKED.clear();
    }

    private interface Label {
        double of(double x);
    }

    private FeatureMatrix matrix(int rows, Label label) {
        return matrix(folder, rows, label);
    }

    static FeatureMatrix numbers(Path folder, int rows) {
        return matrix(folder, rows, x -> x);
    }

    static FeatureMatrix truths(Path folder, int rows) {
        return matrix(folder, rows, x -> x > 0.1 ? 1 : 0);
    }

    private static FeatureMatrix matrix(Path folder, int rows, Label label) {
        SplittableRandom random = new SplittableRandom(11);
        List<@Nullable Object[]> data = new ArrayList<>();
        for (int i = 0; i < rows; i++) {
            double x = random.nextDouble(-1, 1);
            data.add(new @Nullable Object[] {x, label.of(x)});
        }
        var dataset = TestData.rows(folder, Schema.of(TestData.number("x"), LABEL), data);
        return Features.rows().number("x").fit(dataset).matrix(dataset);
    }

    static Search<Curve> curves() {
        return Trainers.search(new Curve(0.7, 8, 9))
                .vary(Curve::x, Range.of(0, 1))
                .vary(Curve::width, Range.anyOf(8, 16, 32));
    }

    /** A search with all that it has told. */
    private static final class Told implements TrainingListener {

        final List<Tried> tried = new ArrayList<>();
        final List<Epoch> epochs = new ArrayList<>();
        int interruptAfter = Integer.MAX_VALUE;

        @Override
        public void epochEnded(Epoch epoch) {
            epochs.add(epoch);
        }

        @Override
        public void tried(Tried one) {
            tried.add(one);
            if (tried.size() == interruptAfter) {
                Thread.currentThread().interrupt();
            }
        }

        List<String> decisions() {
            return tried.stream()
                    .map(one -> one.trial() + " " + one.trainer() + " " + one.value() + " " + one.best())
                    .toList();
        }
    }

    private static Curve found(TrainedModel model) {
        return (Curve) model.finding().orElseThrow().trainer();
    }

    @Test
    void describesWhatItTries() {
        assertThat(Trainers.search(Trainers.logistic())
                        .vary(LinearTrainer::l2, Range.log(0.01, 100))
                        .vary(LinearTrainer::iterations, Range.integers(50, 400))
                        .by(Metric.LOG_LOSS)
                        .random()
                        .inFull()
                        .trials(7)
                        .within(Duration.ofMinutes(2)))
                .hasToString(
                        "search(of=logistic(l2=1, iterations=200), l2=0.01 to 100 by magnitude, "
                                + "iterations=whole 50 to 400, by=LOG_LOSS, points=random, halving=off, trials=7, within=PT2M)");
        assertThat(Trainers.search(Trainers.mlp(8))
                        .vary(MlpTrainer::hidden, Range.anyOf(new int[] {16}, new int[] {32, 16}))
                        .vary((mlp, size) -> mlp.embedding(size).batchSize(4 * size), Range.integers(4, 16))
                        .settings())
                .containsEntry("hidden", "[16] or [32, 16]")
                .containsEntry("batchSize and embedding", "whole 4 to 16");
    }

    @Test
    void refusesWhatMakesNoSense() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Trainers.search(Trainers.mlp(8)).vary(MlpTrainer::dropout, Range.of(0, 1)))
                .withMessage("dropout is a share from 0 to below 1, found 1.0");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> curves().vary((curve, x) -> curve, Range.of(0, 1)))
                .withMessage("no setting of curve(x=0.7, width=8, epochs=9) differs by the values 0 to 1");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> curves().vary(Curve::x, Range.of(0, 0.5)))
                .withMessage("x is varied already: 0 to 1");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Trainers.search(Trainers.mlp(8)).requireTask(Task.BINARY))
                .withMessageContaining("varies nothing; say what, as with vary(MlpTrainer::dropout, Range.of(0, 0.5))");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> curves().by(Metric.ROC_AUC).requireTask(Task.REGRESSION))
                .withMessageContaining("is judged by ROC_AUC, which is not a metric of a REGRESSION target");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Trainers.search(curves()))
                .withMessage("Trainers.search is invalid: found a search, expected what it varies");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Trainers.search(Trainers.mlp(8).warmStart()))
                .withMessageContaining("leave warmStart() out");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> curves().within(Duration.ZERO))
                .withMessage("within must be above zero, found PT0S");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Range.log(0, 1))
                .withMessage("Range.log is invalid: found 0.0, expected above 0");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Range.integers(4, 4))
                .withMessage("a range is invalid: found 4 to 4, expected a lower and a higher number");
    }

    @Test
    void readsValuesOfEveryRange() {
        assertThat(Range.of(0, 0.5).at(1 / 3.0)).isEqualTo(0.1667);
        assertThat(Range.log(1e-4, 1e-1).at(0.5)).isEqualTo(0.003162);
        assertThat(Range.log(1e-4, 1e-1).at(1)).isEqualTo(0.1);
        assertThat(Range.integers(3, 5).at(0)).isEqualTo(3);
        assertThat(Range.integers(3, 5).at(0.99)).isEqualTo(5);
        assertThat(Range.integers(3, 5).at(1)).isEqualTo(5);
        assertThat(Range.anyOf("a", "b").at(0.5)).isEqualTo("b");
    }

    @Test
    void findsTheBestAndTrainsItOnAllRows() {
        Told told = new Told();
        TrainedModel model = curves().trials(27).train(matrix(100, x -> x), NUMBER, 42, told);
        assertThat(found(model).x()).isBetween(0.2, 0.4);
        assertThat(told.epochs).as("of the last training alone").hasSize(9);
        assertThat(model.finding().orElseThrow().summary())
                .matches("27 trials in .* s, \\d+ in full, \\d+ failed; the best has a RMSE of 0\\.\\d{4} on 20 rows "
                        + "held back, at random");
        Tried last = told.tried.get(told.tried.size() - 1);
        assertThat(last.done()).isEqualTo(1);
        assertThat(last.best()).isEqualTo(found(model).describe());
        assertThat(told.tried.get(0).trainer()).isEqualTo("curve(x=0.7, width=8, epochs=9)");
    }

    @Test
    void goesOnFromWhereATrialStopped() {
        curves().trials(27).train(matrix(100, x -> x), NUMBER, 42, new Told());
        assertThat(Curve.ASKED.stream().filter(asked -> asked.endsWith(": 0 to 1")))
                .hasSize(27);
        long second =
                Curve.ASKED.stream().filter(asked -> asked.endsWith(": 1 to 3")).count();
        long third =
                Curve.ASKED.stream().filter(asked -> asked.endsWith(": 3 to 9")).count();
        assertThat(second).isBetween(9L, 20L);
        assertThat(third).isBetween(3L, 9L);
        assertThat(Curve.ASKED).as("and the winner on all rows").hasSize((int) (27 + second + third + 1));
    }

    @Test
    void trainsEveryTrialToItsEndIfThatIsWanted() {
        curves().trials(5).inFull().random().train(matrix(100, x -> x), NUMBER, 42, new Told());
        assertThat(Curve.ASKED).hasSize(6).allMatch(asked -> asked.endsWith(": 0 to 9"));
    }

    @Test
    void triesNothingTwice() {
        Told told = new Told();
        Trainers.search(new Curve(0.5, 8, 1))
                .vary(Curve::width, Range.anyOf(8, 16, 32))
                .trials(40)
                .train(matrix(50, x -> x), NUMBER, 1, told);
        assertThat(told.tried).hasSize(3).extracting(Tried::trainer).doesNotHaveDuplicates();
    }

    @Test
    void beginsWithTheChampionIfItIsOfThisSearch() {
        Told told = new Told();
        String champion = "curve(x=0.3, width=32, epochs=9)";
        curves().trials(3).startingWith(champion).train(matrix(100, x -> x), NUMBER, 42, told);
        assertThat(told.tried.get(0).trainer()).isEqualTo(champion);
        assertThat(told.tried.get(1).trainer()).isEqualTo("curve(x=0.7, width=8, epochs=9)");
        for (String other :
                List.of("curve(x=0.3, width=64, epochs=9)", "curve(x=0.3, width=32, epochs=5)", "logistic(l2=1)", "")) {
            assertThat(curves().startingWith(other).champion()).as(other).isEmpty();
        }
        Search<MlpTrainer> mlp = Trainers.search(Trainers.mlp(8))
                .vary(MlpTrainer::hidden, Range.anyOf(new int[] {16}, new int[] {32, 16}))
                .vary(MlpTrainer::learningRate, Range.log(1e-4, 0.1));
        MlpTrainer winner = Trainers.mlp(32, 16).learningRate(0.003456);
        assertThat(mlp.startingWith(winner.describe()).champion()).contains(winner);
    }

    @Test
    void countsTrialsThatFailAndGoesOn() {
        TrainedModel model = curves().trials(20).train(matrix(100, x -> x), NUMBER, 42, new Told());
        assertThat(model.finding().orElseThrow().summary()).containsPattern(", [1-9]\\d* failed;");
        TrainedModel real = Trainers.search(Trainers.mlp(8, 8, 8, 8).epochs(3))
                .vary(MlpTrainer::learningRate, Range.log(1e19, 1e20))
                .trials(4)
                .train(matrix(200, x -> x), NUMBER, 42, new Told());
        assertThat(real.finding().orElseThrow().trainer())
                .isEqualTo(Trainers.mlp(8, 8, 8, 8).epochs(3));
        assertThat(real.finding().orElseThrow().summary())
                .startsWith("4 trials in ")
                .contains(", 3 failed;");
    }

    @Test
    void saysWhyIfAllFail() {
        Search<Curve> steep = Trainers.search(new Curve(0.9, 8, 9)).vary(Curve::x, Range.of(0.85, 0.95));
        assertThatThrownBy(() -> steep.trials(3).train(matrix(100, x -> x), NUMBER, 42, new Told()))
                .isInstanceOf(TrainingException.class)
                .hasMessageStartingWith("the search of curve(x=0.9, width=8, epochs=9) found nothing: "
                        + "all 3 trials failed: curve 0.")
                .hasMessageContaining("it is too steep")
                .hasMessageEndingWith(
                        "Fix: narrow the ranges, or look for absurd values in the features and the label.")
                .hasCauseInstanceOf(TrainingException.class)
                .satisfies(e -> assertThat(e.getSuppressed()).hasSize(2));
    }

    @Test
    void holdsTheNewestBack() {
        List<@Nullable Object[]> rows = new ArrayList<>();
        for (int i = 0; i < 50; i++) {
            rows.add(new @Nullable Object[] {(double) i, i % 2.0, Instant.ofEpochSecond(1_000 - i)});
        }
        var data = TestData.rows(folder, Schema.of(TestData.number("x"), LABEL, TIME), rows);
        FeatureMatrix matrix = Features.rows().number("x").fit(data).matrix(data);
        Holdout holdout = Holdout.of(matrix, Task.BINARY, 1, "a search");
        assertThat(holdout.held().times()).containsExactly(Arrays.copyOf(matrix.times(), 10));
        assertThat(holdout.learned().rows()).isEqualTo(40);
        assertThat(TestData.numbers(holdout.held())[0]).isEqualTo(Arrays.copyOf(TestData.numbers(matrix)[0], 10));
        assertThat(holdout.learned().labels()).isEqualTo(Arrays.copyOfRange(matrix.labels(), 10, 50));
    }

    private FeatureMatrix timed(int rows) {
        SplittableRandom random = new SplittableRandom(3);
        List<@Nullable Object[]> data = new ArrayList<>();
        for (int i = 0; i < rows; i++) {
            data.add(new @Nullable Object[] {i * random.nextDouble(), i % 2.0, Instant.ofEpochSecond(i)});
        }
        var dataset = TestData.rows(folder, Schema.of(TestData.number("x"), LABEL, TIME), data);
        return Features.rows().number("x").fit(dataset).matrix(dataset);
    }

    @Test
    void featuresLearnFromNoRowThatIsHeldBack() {
        FeatureMatrix matrix = timed(60);
        Folds folds = Folds.expanding(2).gap(Duration.ofSeconds(5));
        List<Holdout> all = new ArrayList<>(Holdout.apart(matrix, Task.BINARY, 1, null));
        all.addAll(Holdout.apart(matrix, Task.BINARY, 1, folds));
        assertThat(all).extracting(one -> one.held().rows()).containsExactly(12, 20, 20);
        for (Holdout one : all) {
            double[] learned = TestData.numbers(one.learned())[0];
            assertThat(Arrays.stream(learned).sum())
                    .as("standardized by their own mean")
                    .isCloseTo(0, within(1e-4));
            assertThat(Arrays.stream(learned).map(value -> value * value).average())
                    .hasValueCloseTo(1.0, within(1e-4));
            assertThat(one.held().features()).isSameAs(one.learned().features());
        }
    }

    @Test
    void judgesByTheMeanOverFolds() {
        Folds folds = Folds.expanding(3).gap(Duration.ofSeconds(2));
        Search<Curve> search = curves().trials(4).over(folds).journal(folder.resolve("search"));
        assertThat(search.settings()).containsEntry("folds", "3 expanding, gap PT2S");
        Told told = new Told();
        told.interruptAfter = 2;
        assertThatThrownBy(() -> search.train(timed(80), NUMBER, 42, told)).isInstanceOf(CancellationException.class);
        assertThat(Thread.interrupted()).isTrue();
        assertThat(Curve.ASKED).as("each trial once a fold").hasSize(2 * 3);
        Told rest = new Told();
        TrainedModel model = search.train(timed(80), NUMBER, 42, rest);
        assertThat(rest.decisions()).startsWith(told.decisions().toArray(String[]::new));
        assertThat(Curve.ASKED.stream().filter(asked -> asked.endsWith(": 0 to 1")))
                .hasSizeGreaterThanOrEqualTo(3 * 3);
        assertThat(model.finding().orElseThrow().summary())
                .endsWith(" on 60 rows held back, in folds: 3 expanding, gap PT2S");
        assertThat(folder.resolve("search")).isDirectoryNotContaining("glob:**.paused");
        assertThatThrownBy(() -> search.train(matrix(100, x -> x), NUMBER, 42, new Told()))
                .isInstanceOf(TrainingException.class)
                .hasMessage("a search cannot cut folds: 3 expanding, gap PT2S: the source tells no event time. Fix: "
                        + "name its column with eventTime(...), or search without folds.");
    }

    @Test
    void holdsBothClassesBackWhereThereIsNoTime() {
        for (long seed = 0; seed < 20; seed++) {
            Holdout holdout = Holdout.of(matrix(100, x -> x > 0.95 ? 1 : 0), Task.BINARY, seed, "a search");
            assertThat(Arrays.stream(holdout.held().labels()).distinct()).hasSize(2);
            assertThat(Arrays.stream(holdout.learned().labels()).distinct()).hasSize(2);
        }
        assertThatThrownBy(() -> Holdout.of(matrix(100, x -> 1), Task.BINARY, 1, "a search"))
                .isInstanceOf(TrainingException.class)
                .hasMessage("a search has nothing to judge by: the 20 rows that it holds back, at random, are all of "
                        + "class 1. Fix: train on a longer stretch of data, or without a search.");
        assertThatThrownBy(() -> Holdout.of(matrix(1, x -> 1), Task.REGRESSION, 1, "a search"))
                .isInstanceOf(TrainingException.class)
                .hasMessageStartingWith("a search cannot hold rows back: there are 1 training rows.");
    }

    @Test
    void anInterruptedSearchGoesOnWithTheSameDecisions() {
        FeatureMatrix matrix = matrix(100, x -> x);
        Told whole = new Told();
        TrainedModel expected = curves().trials(12).random().train(matrix, NUMBER, 42, whole);
        int trainings = Curve.ASKED.size();
        Search<Curve> search = curves().trials(12).random().journal(folder.resolve("search"));
        Curve.ASKED.clear();
        Told told = new Told();
        for (int after = 1; after < whole.tried.size(); after += 4) {
            told = new Told();
            told.interruptAfter = after;
            Told interrupted = told;
            assertThatThrownBy(() -> search.train(matrix, NUMBER, 42, interrupted))
                    .isInstanceOf(CancellationException.class)
                    .hasMessage("training of " + search.describe() + " was interrupted");
            assertThat(Thread.interrupted()).isTrue();
        }
        told = new Told();
        assertThat(found(search.train(matrix, NUMBER, 42, told))).isEqualTo(found(expected));
        assertThat(told.decisions()).isEqualTo(whole.decisions());
        assertThat(Curve.ASKED).as("nothing was trained twice").hasSize(trainings);
        assertThat(folder.resolve("search")).isDirectoryNotContaining("glob:**.paused");
    }

    @Test
    void aSearchThatRestsBeforeEachTrialDecidesAsOneThatDoesNot() {
        FeatureMatrix matrix = matrix(100, x -> x);
        Told whole = new Told();
        TrainedModel expected = curves().trials(6).random().train(matrix, NUMBER, 42, whole);
        List<Integer> rests = new ArrayList<>();
        Told rested = new Told();
        TrainingListener resting = new TrainingListener() {
            @Override
            public void epochEnded(Epoch epoch) {}

            @Override
            public void tried(Tried tried) {
                rested.tried(tried);
            }

            @Override
            public boolean mustRest() {
                return true;
            }

            @Override
            public void rest() {
                rests.add(rested.tried.size());
            }
        };
        assertThat(found(curves().trials(6).random().train(matrix, NUMBER, 42, resting)))
                .isEqualTo(found(expected));
        assertThat(rested.decisions()).isEqualTo(whole.decisions());
        assertThat(rests).startsWith(0, 1, 2).hasSize(whole.tried.size());
    }

    @Test
    void aJournalIsOfOneSearchOnTheSameRows() {
        Search<Curve> search = curves().trials(6).journal(folder.resolve("search"));
        search.train(matrix(100, x -> x), NUMBER, 42, new Told());
        Curve.ASKED.clear();
        search.train(matrix(100, x -> x), NUMBER, 42, new Told());
        assertThat(Curve.ASKED).as("the winner alone").hasSize(1);
        search.train(matrix(100, x -> x + 1e-9), NUMBER, 42, new Told());
        assertThat(Curve.ASKED).hasSizeGreaterThan(7);
        Curve.ASKED.clear();
        search.train(matrix(100, x -> x + 1e-9), NUMBER, 43, new Told());
        assertThat(Curve.ASKED).hasSizeGreaterThan(7);
    }

    @Test
    void aJournalThatIsCutOffOrDamagedIsGoodUpToThere() throws IOException {
        Path file = folder.resolve("search").resolve(Search.JOURNAL);
        Search<Curve> search = curves().trials(9).journal(folder.resolve("search"));
        Told whole = new Told();
        search.train(matrix(100, x -> x), NUMBER, 42, whole);
        byte[] bytes = Files.readAllBytes(file);
        for (int length : new int[] {bytes.length - 1, bytes.length / 2, 20, 0}) {
            Files.write(file, Arrays.copyOf(bytes, length));
            Told told = new Told();
            search.train(matrix(100, x -> x), NUMBER, 42, told);
            assertThat(told.decisions()).isEqualTo(whole.decisions());
        }
        String text = Files.readString(file);
        Files.writeString(file, text.replaceFirst("\"trial\":5", "\"trial\":}"));
        Told told = new Told();
        search.train(matrix(100, x -> x), NUMBER, 42, told);
        assertThat(told.decisions()).isEqualTo(whole.decisions());
    }

    @Test
    void theTimeOfAKilledProcessCounts() throws IOException {
        Path file = folder.resolve("search").resolve(Search.JOURNAL);
        Search<Curve> search = curves().trials(9).within(Duration.ofHours(1)).journal(folder.resolve("search"));
        Told told = new Told();
        told.interruptAfter = 3;
        assertThatThrownBy(() -> search.train(matrix(100, x -> x), NUMBER, 42, told))
                .isInstanceOf(CancellationException.class);
        assertThat(Thread.interrupted()).isTrue();
        SearchJournal.Entry late =
                new SearchJournal.Entry(SearchJournal.What.AT_WORK, 0, 0, "", Double.NaN, "", 0, 3_600);
        Files.writeString(
                file, new String(Json.writeLine(late), StandardCharsets.UTF_8) + "\n", StandardOpenOption.APPEND);
        for (int again = 0; again < 2; again++) {
            Told rest = new Told();
            TrainedModel model = search.train(matrix(100, x -> x), NUMBER, 42, rest);
            assertThat(rest.decisions()).isEqualTo(told.decisions());
            assertThat(model.finding().orElseThrow().summary()).startsWith("3 trials in 3600.");
            assertThat(rest.tried.get(2).done()).isEqualTo(1);
        }
    }

    @Test
    void findsTheChampionAmongValuesThatBeginAlike() {
        MlpTrainer champion = Trainers.mlp(4).epochs(10).dropout(0.15);
        assertThat(Trainers.search(Trainers.mlp(4))
                        .vary(MlpTrainer::epochs, Range.anyOf(1, 10, 100))
                        .vary(MlpTrainer::dropout, Range.anyOf(0.1, 0.15))
                        .startingWith(champion.describe())
                        .champion())
                .contains(champion);
    }

    @Test
    void aTrialDoesNotGoOnFromWhereAnotherOfItsNumberStood() {
        SearchJournal.Head head = new SearchJournal.Head("search", List.of(), Metric.RMSE, 42, "data");
        Paused paused = new Paused(1, 0, new float[1], new float[1], new float[1], new float[0], 0, 0);
        try (SearchJournal journal = SearchJournal.open(folder, head)) {
            journal.keep(1, 0, paused);
            journal.tried(new SearchJournal.Entry(SearchJournal.What.TRIED, 1, 0, "before", 1, "", 1, 1));
        }
        try (SearchJournal journal = SearchJournal.open(folder, head)) {
            assertThat(journal.kept(1, 0, 1)).isNotNull();
            assertThat(journal.known(1, 0, "now")).isEmpty();
            assertThat(journal.kept(1, 0, 1)).isNull();
        }
    }

    @Test
    void aPlaceThatCannotBeWrittenFailsTheSearch() throws IOException {
        Path file = Files.writeString(folder.resolve("file"), "no directory");
        Search<Curve> search = curves().journal(file.resolve("search"));
        assertThatThrownBy(() -> search.train(matrix(100, x -> x), NUMBER, 42, new Told()))
                .isInstanceOf(StoreException.class);
    }

    @Test
    void aNetworkGoesOnAsIfItHadNotBeenLeft() {
        FeatureMatrix matrix = matrix(300, x -> x > 0.1 ? 1 : 0);
        for (MlpTrainer trainer : List.of(
                Trainers.mlp(8, 4).epochs(9).dropout(0.3),
                Trainers.mlp(8).epochs(9).earlyStopping(2))) {
            double[] whole = trainer.train(matrix, YES, 7, epoch -> {}).predict(matrix);
            Paused paused = null;
            double[] last = {};
            for (int until : new int[] {1, 4, 4, 9}) {
                Pausable.Part part = trainer.trainTo(until, Checkpoint.at(paused), matrix, YES, 7, epoch -> {});
                paused = Paused.read(part.paused().bytes()).orElseThrow();
                last = part.model().predict(matrix);
            }
            assertThat(last).as(trainer.describe()).isEqualTo(whole);
        }
    }

    @Test
    void damagedStatesAreNotReadBack() {
        byte[] whole =
                new Paused(3, 0, new float[] {1}, new float[] {2}, new float[] {3}, new float[0], 0.5, 1).bytes();
        assertThat(Paused.read(whole)).isPresent();
        assertThat(Paused.read(Arrays.copyOf(whole, whole.length - 1))).isEmpty();
        assertThat(Paused.read(new byte[3])).isEmpty();
        whole[30] ^= 1;
        assertThat(Paused.read(whole)).isEmpty();
    }
}
