package dev.flywheel.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.flywheel.core.device.Device;
import dev.flywheel.core.device.DeviceRequest;
import dev.flywheel.core.device.Devices;
import dev.flywheel.core.model.Artifact;
import dev.flywheel.core.model.Estimate;
import dev.flywheel.core.model.ModelVersion;
import dev.flywheel.core.model.Task;
import dev.flywheel.core.model.Verdict;
import dev.flywheel.core.stat.Metric;
import dev.flywheel.core.stat.Threshold;
import dev.flywheel.core.stat.Threshold.Costs;
import dev.flywheel.core.stat.fairness.Criterion;
import dev.flywheel.core.stat.fairness.Rate;
import dev.flywheel.pipeline.evaluate.DataFacts;
import dev.flywheel.pipeline.evaluate.DataFacts.Gap;
import dev.flywheel.pipeline.evaluate.DataFacts.Role;
import dev.flywheel.pipeline.evaluate.Gate;
import dev.flywheel.pipeline.evaluate.ModelFacts;
import dev.flywheel.pipeline.evaluate.Profiles;
import dev.flywheel.pipeline.evaluate.RunReport;
import dev.flywheel.pipeline.feature.Features;
import dev.flywheel.pipeline.flywheel.Logging;
import dev.flywheel.pipeline.source.Csv;
import dev.flywheel.pipeline.source.Target;
import dev.flywheel.pipeline.train.Trainers;
import java.io.IOException;
import java.io.StringReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Random;
import java.util.stream.Stream;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.xml.sax.InputSource;

class CardsTest {

    private static final List<String> NATIONS = List.of("Atlantis", "Lemuria", "Thule");
    private static final byte[] KEY = "a key of some length".getBytes(StandardCharsets.UTF_8);

    @TempDir
    Path directory;

    private Path csv;

    record Guest(double age, double nights, String room, String passport, String nation) {}

    /** A row in forty is of Thule, and one in fifty has an age that is none. */
    @BeforeEach
    void writeGuests() throws IOException {
        Random random = new Random(11);
        StringBuilder rows = new StringBuilder("age,nights,room,passport,nation,returned,at\n");
        for (int row = 0; row < 900; row++) {
            double age = 20 + random.nextInt(60);
            double nights = 1 + random.nextInt(14);
            boolean returned = age / 10 + nights + random.nextGaussian() > 12;
            String nation = NATIONS.get(row % 40 == 0 ? 2 : row % 2);
            rows.append(row % 50 == 7 ? "old" : Double.toString(age))
                    .append(',')
                    .append(nights)
                    .append(',');
            rows.append(row % 3 == 0 ? "single" : "double")
                    .append(",PX")
                    .append(100_000 + row)
                    .append(',');
            rows.append(nation).append(',').append(returned).append(",2026-01-");
            rows.append(String.format("%02d", 1 + row / 30)).append("T12:00:00Z\n");
        }
        csv = Files.writeString(directory.resolve("guests.csv"), rows);
    }

    private Pipeline.Ready<Guest, Boolean, Double> guests(Gate... gates) {
        Pipeline.Trained<Guest, Boolean> trained = Pipeline.named("guests")
                .from(Csv.files(csv).eventTime("at").examples(Guest.class, Target.isTrue("returned")))
                .features(Features.of(Guest.class)
                        .number(Guest::age)
                        .number(Guest::nights)
                        .category(Guest::room))
                .train(Trainers.logistic().l2(0.5));
        for (Gate gate : gates) {
            trained = trained.gate(gate);
        }
        return trained.respond(p -> p);
    }

    private static ModelFacts model(Path file) throws IOException {
        return ModelFacts.read(Files.readAllBytes(file), file.toString());
    }

    private static DataFacts data(Path file) throws IOException {
        return DataFacts.read(Files.readAllBytes(file), file.toString());
    }

    private static RunReport report(Run run) throws IOException {
        Path file = run.report().resolveSibling("run.json");
        return RunReport.read(Files.readAllBytes(file), file.toString());
    }

    private static void requireWellFormed(Path page) throws Exception {
        DocumentBuilderFactory.newInstance()
                .newDocumentBuilder()
                .parse(new InputSource(new StringReader(Files.readString(page))));
    }

    @Test
    void aRunThatNeedsAGpuFailsWithWhatKeepsItFromOne() {
        assumeTrue(Devices.all().stream().allMatch(device -> device.kind() == Device.Kind.CPU), "there is a GPU");
        String before = System.getProperty(DeviceRequest.PROPERTY);
        System.setProperty(DeviceRequest.PROPERTY, DeviceRequest.REQUIRE_CUDA.toString());
        try (Factory factory = Factory.open(directory.resolve("home"))) {
            Run run = factory.run(guests().build());
            assertThat(run.outcome()).isEqualTo(Run.Outcome.FAILED);
            assertThat(run.reason()).contains(" cannot run on CUDA, which is required: ", ". Fix: ");
        } finally {
            if (before == null) {
                System.clearProperty(DeviceRequest.PROPERTY);
            } else {
                System.setProperty(DeviceRequest.PROPERTY, before);
            }
        }
    }

    @Test
    void theModelsCardTellsTheFactsOfTheRunThatMadeIt() throws Exception {
        Pipeline<Guest, Boolean, Double> pipeline = guests(
                        Gate.atLeast(Metric.ROC_AUC, 0.6), Gate.fair(Criterion.EQUAL_ACCURACY, "nation", 0.9))
                .build();
        try (Factory factory = Factory.open(directory.resolve("home"))) {
            factory.run(pipeline);
            Run run = factory.run(pipeline);
            assertThat(run.outcome()).as(run.reason()).isEqualTo(Run.Outcome.PROMOTED);
            RunReport report = report(run);
            ModelFacts card = model(run.modelCard());

            assertThat(card.format()).isEqualTo(1);
            assertThat(card.run()).isEqualTo(report.head());
            assertThat(card.prediction().target()).isEqualTo("returned is true");
            assertThat(card.prediction().task()).isEqualTo(Task.BINARY);
            assertThat(card.inputs())
                    .extracting(input -> input.profile().name())
                    .containsExactly("age", "nights", "room");
            assertThat(card.maker().trainer()).isEqualTo("logistic");
            assertThat(card.maker().settings()).containsEntry("l2", "0.5");
            assertThat(card.maker().seed()).isEqualTo(42);
            assertThat(card.maker().definition()).isEqualTo(pipeline.describe());
            assertThat(card.maker().definitionHash()).isEqualTo(pipeline.hash());
            assertThat(card.maker().environment())
                    .containsKeys("flywheel", "java", "engines")
                    .containsEntry("trained on", Device.cpu().name() + ", float32")
                    .containsEntry("judged on", Device.cpu().name());
            assertThat(card.models()).isEqualTo(report.models());
            assertThat(card.gates()).isEqualTo(run.verdicts());
            assertThat(card.risk()).isEqualTo("MINIMAL");
            assertThat(card.split()).isEqualTo("by default: newest 0.2");

            // the same data, so the same model
            Estimate advantage = card.advantage();
            assertThat(advantage).isNotNull();
            assertThat(advantage.value()).isZero();

            ModelFacts.Groups groups = card.fairness().get(0);
            assertThat(groups.column()).isEqualTo("nation");
            assertThat(groups.groups()).extracting(ModelFacts.Group::name).containsExactlyInAnyOrderElementsOf(NATIONS);
            assertThat(groups.groups().stream()
                            .mapToLong(ModelFacts.Group::rows)
                            .sum())
                    .isEqualTo(report.data().parts().get(2).rows());
            assertThat(groups.groups().get(0).rates()).containsOnlyKeys(Rate.values());
            assertThat(groups.differences()).containsOnlyKeys(Criterion.values());

            assertThat(card.limits())
                    .contains(
                            "It never saw a missing value in training in age, nights, room.",
                            "It was neither trained nor tested on rows like the 18 of 900 that were refused.",
                            "It knows nothing of what has happened since 2026-01-30T12:00:00Z; drift since then is seen"
                                    + " by a deployment's watch alone.")
                    .anyMatch(
                            limit -> limit.matches("By nation, \\d+ of \\d+ test rows have a value or range with fewer"
                                    + " than 50 of them: nothing can be said of the model there\\."));
            assertThat(card.missing())
                    .extracting(Gap::what)
                    .contains("The harm that a wrong prediction can do", "Drift since the training")
                    .doesNotContain("Fairness between groups", "Comparison with a champion", "Slices");

            ModelVersion version = ModelVersion.at(
                    directory.resolve(
                            "home/pipelines/guests/versions/" + run.version().getAsInt()),
                    run.version().getAsInt());
            assertThat(version.modelCard()).hasSameBinaryContentAs(run.modelCard());
            assertThat(version.dataCard()).hasSameBinaryContentAs(run.dataCard());
            assertThat(Artifact.open(version.directory()).hash()).isEqualTo(version.artifactHash());

            requireWellFormed(run.card());
            assertThat(run.card()).content().contains("It never saw a missing value", "Groups by nation", "Atlantis");
            assertThat(run.report()).content().contains("href=\"card.html\"");
        }
    }

    @Test
    void theDatasCardTellsWhatTheModelLearnedFrom() throws Exception {
        try (Factory factory = Factory.open(directory.resolve("home"))) {
            Run run = factory.run(guests(Gate.atLeast(Metric.ROC_AUC, 0.6)).build());
            RunReport report = report(run);
            DataFacts card = data(run.dataCard());

            assertThat(card.format()).isEqualTo(1);
            assertThat(card.source()).contains("guests.csv");
            assertThat(card.checks().read()).isEqualTo(900);
            assertThat(card.checks().accepted()).isEqualTo(882);
            assertThat(card.checks().refusals())
                    .isEqualTo(report.data().checks().refusals());
            assertThat(card.checks().quarantine()).isEqualTo("quarantine.jsonl");
            assertThat(card.parts()).extracting(DataFacts.Part::name).containsExactly("examples", "train", "test");
            assertThat(card.parts())
                    .extracting(DataFacts.Part::hash)
                    .isEqualTo(report.data().parts().stream()
                            .map(RunReport.Part::hash)
                            .toList());
            assertThat(card.parts().get(0).from()).isEqualTo("2026-01-01T12:00:00Z");
            assertThat(card.parts().get(2).to()).isEqualTo("2026-01-30T12:00:00Z");
            assertThat(card.parts().get(1).to()).isBefore(card.parts().get(2).to());
            assertThat(card.labels()).extracting(Profiles.TopValue::value).containsExactly("false", "true");
            assertThat(card.labels().stream().mapToLong(Profiles.TopValue::rows).sum())
                    .isEqualTo(882);
            assertThat(card.columns())
                    .extracting(column -> column.profile().name(), DataFacts.Column::role)
                    .contains(
                            org.assertj.core.groups.Tuple.tuple("age", Role.INPUT),
                            org.assertj.core.groups.Tuple.tuple("nation", Role.UNUSED),
                            org.assertj.core.groups.Tuple.tuple("$label", Role.LABEL),
                            org.assertj.core.groups.Tuple.tuple("$time", Role.TIME));
            assertThat(card.logging()).isEqualTo("everything");
            assertThat(card.leakage())
                    .startsWith("Looked for: test rows with the inputs of a training row, test rows"
                            + " older than a training row, a column that alone gives the label away.");
            assertThat(card.missing()).extracting(Gap::what).contains("What examples must satisfy");
            // each stands for one guest
            assertThat(Files.readString(run.dataCard())).contains("Atlantis").doesNotContain("PX100");
        }
    }

    @Test
    void noCardTellsAValueOfAColumnThatIsHashedOrLeftOut() throws Exception {
        Logging<Guest> logging = Logging.of(Guest.class)
                .only(Guest::age, Guest::nights, Guest::room)
                .hashed(Guest::passport, KEY);
        Gate aboutNations = Gate.atLeast(Metric.ROC_AUC, 0.55).onEachSlice("nation");
        Gate fair = Gate.fair(Criterion.EQUAL_ACCURACY, "nation", 0.9);
        Gate tooMuch = Gate.atLeast(Metric.ROC_AUC, 0.9999).onEachSlice("nation");
        try (Factory factory = Factory.open(directory.resolve("home"))) {
            Run promoted = factory.run(guests(aboutNations, fair).log(logging).build());
            Run rejected = factory.run(guests(tooMuch).log(logging).build());
            assertThat(promoted.outcome()).as(promoted.reason()).isEqualTo(Run.Outcome.PROMOTED);
            assertThat(rejected.outcome()).isEqualTo(Run.Outcome.REJECTED);
            // what there is to hide
            assertThat(promoted.verdicts().get(0).evidence()).contains("Thule");
            assertThat(rejected.reason()).contains("Atlantis");

            ModelVersion version = ModelVersion.at(directory.resolve("home/pipelines/guests/versions/1"), 1);
            List<Path> cards = List.of(
                    promoted.card(),
                    promoted.modelCard(),
                    promoted.dataCard(),
                    rejected.card(),
                    rejected.modelCard(),
                    rejected.dataCard(),
                    version.modelCard(),
                    version.dataCard());
            for (Path card : cards) {
                String text = Files.readString(card);
                assertThat(text).as(card.toString()).doesNotContain(NATIONS).doesNotContain("PX1");
            }
            assertThat(Files.readString(promoted.dataCard())).contains("single", "double");
            for (Run run : List.of(promoted, rejected)) {
                assertThat(run.report()).content().contains("values not told").doesNotContain("PX1");
                assertThat(run.report().resolveSibling("run.json")).content().doesNotContain("PX1");
                assertThat(report(run).data().columns())
                        .filteredOn(
                                column -> column.text() == null && column.numeric() == null && column.times() == null)
                        .extracting(Profiles.ColumnProfile::name)
                        .containsExactly("passport", "nation");
            }

            ModelFacts card = model(promoted.modelCard());
            assertThat(card.gates()).extracting(Verdict::outcome).containsOnly(Verdict.Outcome.PASS);
            assertThat(card.gates().get(0).evidence())
                    .isEqualTo("Not told here, because it is about column nation, which is left out of the log of"
                            + " predictions; see the run's report.");
            assertThat(card.fairness().get(0).groups())
                    .extracting(ModelFacts.Group::name)
                    .containsExactly("group 1", "group 2", "group 3");
            assertThat(card.models().slices())
                    .noneMatch(slice -> slice.describe().contains("nation"));
            assertThat(data(promoted.dataCard()).columns())
                    .filteredOn(column -> !column.withheld().isEmpty())
                    .extracting(
                            column -> column.profile().name(),
                            DataFacts.Column::withheld,
                            column -> column.profile().text())
                    .containsExactly(
                            org.assertj.core.groups.Tuple.tuple("passport", "hashed in the log of predictions", null),
                            org.assertj.core.groups.Tuple.tuple("nation", "left out of the log of predictions", null));
        }
    }

    record Bill(double nights, double fee) {}

    /** The reason of a refusal comes with an example of it. */
    @Test
    void noCardTellsAValueThatStoppedTheReadingOfTheExamples() throws Exception {
        Path bills = Files.writeString(
                directory.resolve("bills.csv"), "nights,fee,returned\n1,classified,true\n2,classified,false\n");
        Pipeline<Bill, Boolean, Double> pipeline = Pipeline.named("bills")
                .from(Csv.files(bills).examples(Bill.class, Target.isTrue("returned")))
                .features(Features.of(Bill.class).number(Bill::nights))
                .train(Trainers.logistic())
                .respond(p -> p)
                .log(Logging.of(Bill.class).only(Bill::nights))
                .build();
        try (Factory factory = Factory.open(directory.resolve("home"))) {
            Run run = factory.run(pipeline);
            assertThat(run.reason()).contains("classified");
            for (Path card : List.of(run.card(), run.modelCard(), run.dataCard())) {
                assertThat(card).content().contains("see the run").doesNotContain("classified");
            }
        }
    }

    @Test
    void aRejectedRunHasCardsOfWhatItWouldNotShip() throws Exception {
        try (Factory factory = Factory.open(directory.resolve("home"))) {
            Run run = factory.run(guests(Gate.atLeast(Metric.ROC_AUC, 0.9999)).build());
            ModelFacts card = model(run.modelCard());
            assertThat(card.run().outcome()).isEqualTo(RunReport.Outcome.REJECTED);
            assertThat(card.run().version()).isEmpty();
            assertThat(card.run().reason()).isEqualTo(run.reason());
            assertThat(card.models().winner()).hasValue(0);
            assertThat(card.missing())
                    .contains(new Gap(
                            "Fairness between groups",
                            "Ask for it: .gate(Gate.fair(Criterion.EQUAL_OPPORTUNITY, \"a column\", 0.1))."));
            try (Stream<Path> files = Files.walk(directory.resolve("home"))) {
                assertThat(files.filter(file -> file.endsWith(Cards.MODEL))).containsExactly(run.modelCard());
            }
        }
    }

    @Test
    void reportAndCardTellWhereDecisionsCostLeast() throws Exception {
        try (Factory factory = Factory.open(directory.resolve("home"))) {
            Run run = factory.run(guests().costs(new Costs(1, 5, 0.5)).build());
            Threshold found = Objects.requireNonNull(report(run).models().threshold());
            assertThat(found.costs()).isEqualTo(new Costs(1, 5, 0.5));
            assertThat(found.score().value()).isBetween(0.0, 0.5);
            assertThat(found.cost().value()).isLessThan(found.costAtHalf().value());
            assertThat(model(run.modelCard()).models().threshold()).isEqualTo(found);
            assertThat(model(run.modelCard()).missing())
                    .extracting(Gap::what)
                    .noneMatch(what -> what.contains("decide"));
            for (Path page : List.of(run.report(), run.card())) {
                assertThat(page)
                        .content()
                        .contains(
                                "Where a false positive costs 1, a false negative 5, a true positive \u22120.5, decide as "
                                        + String.format(
                                                Locale.ROOT,
                                                "positive from %.3f on",
                                                found.score().value()));
                requireWellFormed(page);
            }
            Run without = factory.run(guests().build());
            assertThat(report(without).models().threshold()).isNull();
            assertThat(model(without.modelCard()).missing())
                    .contains(new Gap(
                            "The probability from which on to decide",
                            "Say what wrong decisions cost: .costs(Costs.of(falsePositive, falseNegative))."));
        }
    }

    @Test
    void aFailedRunHasCardsThatSayHowFarItCame() throws Exception {
        Pipeline<Guest, Boolean, Double> pipeline = guests().build();
        Files.delete(csv);
        try (Factory factory = Factory.open(directory.resolve("home"))) {
            Run run = factory.run(pipeline);
            assertThat(run.outcome()).isEqualTo(Run.Outcome.FAILED);
            ModelFacts model = model(run.modelCard());
            DataFacts data = data(run.dataCard());
            assertThat(model.run().reason()).isEqualTo(run.reason()).contains("guests.csv");
            assertThat(model.maker().trainer()).isEmpty();
            assertThat(model.limits()).isEmpty();
            assertThat(model.missing())
                    .contains(new Gap(
                            "Metrics, slices, groups, calibration, robustness, importance, gates",
                            "The run ended before there was a model; mend that, and run again."));
            assertThat(data.parts()).isEmpty();
            assertThat(data.missing())
                    .contains(new Gap(
                            "Rows, columns, labels",
                            "The run ended before it had read the examples; mend that, and run again."));
            requireWellFormed(run.card());
        }
    }
}
