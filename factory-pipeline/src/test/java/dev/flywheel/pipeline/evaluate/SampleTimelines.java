package dev.flywheel.pipeline.evaluate;

import dev.flywheel.core.model.Estimate;
import dev.flywheel.core.model.ModelCard;
import dev.flywheel.core.model.Task;
import dev.flywheel.core.model.Verdict;
import dev.flywheel.core.registry.AliasMove;
import dev.flywheel.core.stat.Metric;
import dev.flywheel.core.stat.drift.ColumnDrift;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Random;

/** Stories of made-up pipelines that look like real ones. */
final class SampleTimelines {

    static final Instant START = Instant.parse("2001-01-29T00:00:00Z");
    private static final String[] COLUMNS = {
        "distance", "origin", "destination", "carrier", "depTime", "aircraft_tail_number", "gate", "wind"
    };

    private SampleTimelines() {}

    static Estimate estimate(double value, double half) {
        return new Estimate(value, value - half, value + half, "DeLong");
    }

    /** A pipeline that was watched for so many weeks. */
    static Timeline weeks(int weeks) {
        List<Timeline.Window> windows = new ArrayList<>();
        List<AliasMove> moves = new ArrayList<>();
        List<Timeline.Version> versions = new ArrayList<>();
        List<Episode> runs = new ArrayList<>();
        List<Timeline.Happening> happenings = new ArrayList<>();
        Random random = new Random(7);
        int champion = 1;
        moves.add(move(START, AliasMove.Kind.MOVED, 0, 1, "linear passed 2 of 2 gates"));
        versions.add(version(1, START, 0));
        for (int week = 0; week < weeks; week++) {
            Instant at = START.plus(Duration.ofDays(7L * week));
            windows.add(window(at, week, champion, weeks, random));
            Instant end = at.plus(Duration.ofDays(7));
            int before = champion;
            boolean refused = week % 5 == 3;
            if (week % 9 == 8 && champion > 1) {
                champion--;
                moves.add(move(end, AliasMove.Kind.ROLLED_BACK, before, champion, "complaints about late warnings"));
                happenings.add(happening(end, "Rolled back to version " + champion, Page.Tone.BAD));
            } else if (!refused) {
                champion = versions.size() + 1;
                versions.add(version(champion, end, before));
                moves.add(move(end, AliasMove.Kind.MOVED, before, champion, "mlp passed 2 of 2 gates"));
                happenings.add(happening(end, "Promoted version " + champion, Page.Tone.GOOD));
            } else {
                happenings.add(happening(end, "Refused a candidate", Page.Tone.OPEN));
            }
            runs.add(run(end, refused, before, champion, random));
        }
        return new Timeline(
                "delays",
                START.plus(Duration.ofDays(7L * weeks)),
                "",
                versions,
                moves,
                runs,
                windows,
                happenings,
                new Timeline.Labels(
                        START.plus(Duration.ofDays(7L * weeks)),
                        Duration.ofMinutes(187),
                        Duration.ofHours(61),
                        232_112,
                        List.of(
                                new Timeline.Cohort(Duration.ZERO, Duration.ofHours(6), 1_204, 12),
                                new Timeline.Cohort(Duration.ofHours(6), Duration.ofDays(1), 4_120, 3_900),
                                new Timeline.Cohort(Duration.ofDays(90), null, 210_000, 209_999))),
                List.of(new Timeline.Trial(
                        START.plus(Duration.ofDays(9)),
                        START.plus(Duration.ofDays(11)),
                        3,
                        2,
                        "canary, 10%, 50%, each PT24H",
                        "promoted",
                        "Version 3 is promoted.",
                        Page.Tone.GOOD,
                        List.of(
                                step(9, "started", "Version 3 is on trial beside version 2, with 10% of the traffic."),
                                step(10, "advanced", "Version 3 gets half of the traffic."),
                                step(11, "ended", "Version 3 is promoted.")),
                        List.of(
                                new Verdict("errors at most 1%", Verdict.Outcome.PASS, "0.2% of 4,120"),
                                new Verdict("revenue", Verdict.Outcome.INCONCLUSIVE, "-0.1 (-0.4 to +0.2)")),
                        "log loss is better",
                        estimate(0.008, 0.003),
                        new Estimate(0.0061, 0.0012, 0.011, "always valid"))),
                List.of());
    }

    private static Timeline.Happening step(int day, String what, String why) {
        return new Timeline.Happening(START.plus(Duration.ofDays(day)), what, why, "flywheel", Page.Tone.NEUTRAL);
    }

    private static Timeline.Window window(Instant at, int week, int version, int weeks, Random random) {
        List<Timeline.Drift> features = new ArrayList<>();
        for (int i = 0; i < COLUMNS.length; i++) {
            boolean moving = i == week / 6 % COLUMNS.length && week % 6 > 1;
            double effect = moving ? 0.12 + 0.08 * (week % 6) : 0.05 * random.nextDouble();
            ColumnDrift.State state = i == 6 && week % 4 == 0
                    ? ColumnDrift.State.TOO_FEW_ROWS
                    : moving ? ColumnDrift.State.DRIFTED : ColumnDrift.State.STABLE;
            features.add(drift(COLUMNS[i], state, moving && week % 6 > 3, effect));
        }
        double quality = 0.665 - 0.02 * (week % 9) / 9.0 + 0.006 * random.nextGaussian();
        Timeline.Drift prediction = drift(
                "$prediction",
                week % 7 == 5 ? ColumnDrift.State.DRIFTED : ColumnDrift.State.STABLE,
                false,
                week % 7 == 5 ? 0.22 : 0.03);
        return new Timeline.Window(
                at,
                at.plus(Duration.ofDays(7)),
                version,
                10_000 + random.nextInt(2_000),
                week == 0 ? 8_000 : 10_000 + random.nextInt(2_000),
                features,
                prediction,
                new Timeline.Quality(
                        Metric.ROC_AUC,
                        week == weeks - 1 ? null : estimate(quality, 0.012),
                        estimate(quality + 0.004 + 0.003 * random.nextGaussian(), 0.004),
                        0.668),
                new Timeline.Calibration(estimate(0.021 + 0.001 * (week % 9), 0.006), week % 9 == 0 ? 0.34 : 0.01));
    }

    static Timeline.Drift drift(String column, ColumnDrift.State state, boolean alarm, double effect) {
        return new Timeline.Drift(
                column,
                state,
                alarm,
                effect,
                "PSI",
                column + " has drifted: PSI " + Numbers.fixed(effect, 2) + ", Kolmogorov-Smirnov q 1e-9, the mean went"
                        + " from 712 to 840");
    }

    private static AliasMove move(Instant at, AliasMove.Kind kind, int from, int to, String why) {
        return new AliasMove(
                at,
                "champion",
                kind,
                from == 0 ? OptionalInt.empty() : OptionalInt.of(from),
                OptionalInt.of(to),
                kind == AliasMove.Kind.ROLLED_BACK ? "Ada, on call" : "flywheel",
                why,
                List.of(new Verdict("ROC AUC at least 0.55", Verdict.Outcome.PASS, "0.6612 (0.6501 to 0.6723)")));
    }

    private static Timeline.Version version(int number, Instant at, int parent) {
        return new Timeline.Version(
                number,
                new ModelCard(
                        "delays",
                        "20010305T000000-001",
                        at,
                        Task.BINARY,
                        "9f86d0",
                        "pipeline delays",
                        List.of("9f86d0"),
                        120_000 + 1_000L * number,
                        11_000,
                        parent == 0 ? OptionalInt.empty() : OptionalInt.of(parent),
                        "mlp layers 64, 32 epochs 20",
                        Map.of(
                                "ROC_AUC",
                                estimate(0.66, 0.01),
                                "LOG_LOSS",
                                estimate(0.48, 0.004),
                                "ECE",
                                estimate(0.02, 0.004)),
                        List.of(),
                        Map.of()),
                "");
    }

    private static Episode run(Instant at, boolean refused, int champion, int version, Random random) {
        double quality = 0.66 + 0.006 * random.nextGaussian();
        return new Episode(
                "20010305T000000-001",
                refused ? RunReport.Outcome.REJECTED : RunReport.Outcome.PROMOTED,
                refused ? "INCONCLUSIVE not worse than the champion" : "mlp passed 2 of 2 gates",
                at,
                at.plusSeconds(74),
                refused ? OptionalInt.empty() : OptionalInt.of(version),
                OptionalInt.of(champion),
                130_000,
                11_000,
                "mlp",
                Map.of(Metric.ROC_AUC, estimate(quality - (refused ? 0.01 : 0), 0.01)),
                Map.of(Metric.ROC_AUC, estimate(quality - 0.004, 0.01)),
                Map.of(
                        "started because", "7 d since the last run",
                        "learned from", "the last 90 d",
                        "learned from source", "41000",
                        "learned from feedback", "89000"));
    }

    private static Timeline.Happening happening(Instant at, String title, Page.Tone tone) {
        return new Timeline.Happening(
                at, title, "PASS ROC AUC at least 0.55 (0.6612, 95% 0.6501 to 0.6723)", "flywheel", tone);
    }

    /** A pipeline of which nothing is known. */
    static Timeline empty(String name) {
        return new Timeline(
                name, START, "", List.of(), List.of(), List.of(), List.of(), List.of(), null, List.of(), List.of());
    }

    /** Writes some of them into a directory, to be looked at. */
    public static void main(String[] arguments) throws IOException {
        Path directory = Files.createDirectories(Path.of(arguments[0]));
        Files.writeString(directory.resolve("weeks.html"), weeks(24).html());
        Files.writeString(directory.resolve("years.html"), weeks(520).html());
        Files.writeString(directory.resolve("empty.html"), empty("nothing").html());
    }
}
