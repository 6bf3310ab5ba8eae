package dev.flywheel.pipeline.watch;

import dev.flywheel.core.StoreException;
import dev.flywheel.core.data.Batch;
import dev.flywheel.core.data.Dataset;
import dev.flywheel.core.data.Scan;
import dev.flywheel.core.data.Schema;
import dev.flywheel.core.io.Durable;
import dev.flywheel.core.io.Json;
import dev.flywheel.core.model.Artifact;
import dev.flywheel.core.model.Task;
import dev.flywheel.core.stat.Decisions;
import dev.flywheel.core.stat.drift.Profile;
import dev.flywheel.core.stat.stream.Calibration;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * What a version's training rows and its predictions for the test rows were like, kept in the folder {@code reference}
 * of the version's directory: {@code profile.json}, or one {@code profile-01.json} to {@code profile-12.json} for each
 * calendar month where the season is accounted for, and {@code reference.json} with the calibration of the predictions
 * and how far windows of the training rows usually lie from each other. Every file has a sum of its own. Not
 * thread-safe.
 */
public final class Reference {

    private static final int FORMAT = 1;
    private static final String SUM = "sha256";
    private static final String HEAD = "reference.json";
    private static final int LEAST_CALIBRATED = 100;

    private final Map<Integer, Profile> months;
    private final Profile all;
    private final @Nullable Calibration calibration;
    private final Map<String, Usual> usual;

    private record Format(int format) {}

    /**
     * What reference.json holds.
     *
     * @param format the version of this file's format
     * @param months the calendar months, 1 to 12, that have a profile of their own; none if one profile holds all
     * @param usual how far windows of the training rows lie from each other
     * @param calibration the map of predictions to probabilities; null for regressions and where test rows are too few
     * @param sha256 of this file in canonical form without this property
     */
    private record Head(
            int format,
            List<Integer> months,
            List<Usual> usual,
            Calibration.@Nullable Saved calibration,
            String sha256) {}

    /** What a run knows of its winner. Not thread-safe. */
    public static final class Origin {

        private final Task task;
        private final Schema inputs;
        private final Dataset train;
        private final Dataset test;
        private final double[] labels;
        private final double[] scores;
        private final @Nullable String timeColumn;

        /**
         * Tells what a run knows.
         *
         * @param task what the winner predicts
         * @param inputs the columns of the input, the first ones of both datasets
         * @param train what it learned from
         * @param test what it was evaluated on
         * @param labels the outcomes of the test rows, of shape [rows]
         * @param scores its predictions for them, of shape [rows] or [rows, classes]
         * @param timeColumn the name of the column of event times; null if there is none
         */
        public Origin(
                Task task,
                Schema inputs,
                Dataset train,
                Dataset test,
                double[] labels,
                double[] scores,
                @Nullable String timeColumn) {
            this.task = task;
            this.inputs = inputs;
            this.train = train;
            this.test = test;
            this.labels = labels.clone();
            this.scores = scores.clone();
            this.timeColumn = timeColumn;
        }

        /** {@return what is logged of such a prediction: the most probable of several classes} */
        private double prediction(int row) {
            return task == Task.MULTICLASS ? Decisions.of(scores, row, scores.length / labels.length) : scores[row];
        }
    }

    private Reference(
            Map<Integer, Profile> months, Profile all, @Nullable Calibration calibration, Map<String, Usual> usual) {
        this.months = months;
        this.all = all;
        this.calibration = calibration;
        this.usual = usual;
    }

    /**
     * Writes the reference of a version.
     *
     * @param version the version's directory
     * @throws StoreException if the file system refuses
     */
    public static void write(Path version, Origin origin, Watch watch) {
        if (watch.time == null) {
            return;
        }
        Path directory = version.resolve(Artifact.REFERENCE);
        Durable.createDirectories(directory);
        boolean seasonal = watch.season == Watch.Season.MONTHS && origin.timeColumn != null;
        Map<Integer, Profile> profiles = profiles(origin, seasonal);
        profiles.forEach((month, profile) -> Durable.write(directory.resolve(file(month)), profile.toJson()));
        List<Usual> usual = origin.timeColumn == null
                ? List.of()
                : Usual.of(
                        origin.train,
                        origin.timeColumn,
                        origin.inputs,
                        new Periods(watch.time, watch.season),
                        watch.limits);
        List<Integer> months = seasonal ? List.copyOf(new TreeSet<>(profiles.keySet())) : List.of();
        Calibration calibration = calibration(origin);
        Calibration.Saved saved = calibration == null ? null : calibration.saved();
        Head unsigned = new Head(FORMAT, months, usual, saved, "");
        String sum = Json.fingerprint(Json.write(unsigned), SUM, HEAD);
        Durable.write(directory.resolve(HEAD), Json.write(new Head(FORMAT, months, usual, saved, sum)));
    }

    /** By month; all are month 0 where the season does not matter. */
    private static Map<Integer, Profile> profiles(Origin origin, boolean seasonal) {
        Map<Integer, Profile> profiles = new HashMap<>();
        String column = origin.timeColumn;
        int time = seasonal && column != null ? origin.train.schema().indexOf(column) : -1;
        try (Scan scan = origin.train.scan()) {
            for (Batch batch = scan.next(); batch != null; batch = scan.next()) {
                for (int row = 0; row < batch.rows(); row++) {
                    profile(profiles, origin, batch, time, row).add(batch.row(row));
                }
            }
        }
        int at = 0;
        try (Scan scan = origin.test.scan()) {
            for (Batch batch = scan.next(); batch != null; batch = scan.next()) {
                for (int row = 0; row < batch.rows(); row++) {
                    profile(profiles, origin, batch, time, row).addPrediction(origin.prediction(at++));
                }
            }
        }
        return profiles;
    }

    private static Profile profile(Map<Integer, Profile> profiles, Origin origin, Batch batch, int time, int row) {
        int month = time < 0 ? 0 : 1 + Periods.month(batch.time(time, row));
        return profiles.computeIfAbsent(
                month,
                m -> origin.task == Task.MULTICLASS ? Profile.ofClasses(origin.inputs) : Profile.of(origin.inputs));
    }

    private static @Nullable Calibration calibration(Origin origin) {
        boolean possible = origin.task == Task.BINARY
                && origin.labels.length >= LEAST_CALIBRATED
                && Arrays.stream(origin.scores).allMatch(score -> score >= 0 && score <= 1);
        return possible ? Calibration.isotonic(origin.scores, origin.labels) : null;
    }

    /**
     * {@return the reference of a version, if it has one}
     *
     * @param version the version's directory
     * @throws StoreException if it is damaged or cannot be read
     */
    public static Optional<Reference> read(Path version) {
        Path directory = version.resolve(Artifact.REFERENCE);
        Path file = directory.resolve(HEAD);
        if (!Files.exists(file)) {
            return Optional.empty();
        }
        byte[] json = bytes(file);
        int format = Json.readKnown(json, Format.class, file.toString()).format;
        if (format != FORMAT) {
            throw new StoreException(
                    "reading " + file,
                    "its format is " + format + ", this library reads format " + FORMAT,
                    "upgrade the library");
        }
        Head head = Json.read(json, Head.class, file.toString());
        String actual = Json.fingerprint(json, SUM, file.toString());
        if (!actual.equals(head.sha256)) {
            throw new StoreException(
                    "reading " + file,
                    "expected SHA-256 " + head.sha256 + ", found " + actual,
                    "restore the file from a backup, or train the version again");
        }
        Map<Integer, Profile> months = new HashMap<>();
        for (int month : head.months) {
            months.put(month, profile(directory.resolve(file(month))));
        }
        Profile all = months.isEmpty() ? profile(directory.resolve(file(0))) : merged(months.values());
        Map<String, Usual> usual = new HashMap<>();
        head.usual.forEach(u -> usual.put(u.column(), u));
        Calibration.Saved saved = head.calibration;
        return Optional.of(new Reference(months, all, saved == null ? null : Calibration.of(saved), usual));
    }

    /** {@return the columns of the input} */
    Schema schema() {
        return all.schema();
    }

    /** {@return an empty profile of a window to be compared} */
    Profile window() {
        return all.window();
    }

    /** {@return what rows of these months, 0 to 11, are to be compared with; all where the season does not matter} */
    Profile of(Set<Integer> itsMonths) {
        List<Profile> known = new ArrayList<>();
        itsMonths.forEach(month -> {
            Profile profile = months.get(month + 1);
            if (profile != null) {
                known.add(profile);
            }
        });
        return known.isEmpty() ? all : merged(known);
    }

    /** {@return in words what these rows are} */
    String describe(Profile profile) {
        String rows = String.format(Locale.ROOT, "%,d rows that the version learned from", profile.rows());
        return profile == all || months.isEmpty() ? rows : rows + " in the same months";
    }

    @Nullable
    Calibration calibration() {
        return calibration;
    }

    @Nullable
    Usual usual(String column) {
        return usual.get(column);
    }

    private static Profile merged(Iterable<Profile> parts) {
        Profile sum = null;
        for (Profile part : parts) {
            if (sum == null) {
                sum = part.empty();
            }
            sum.merge(part);
        }
        if (sum == null) {
            throw new IllegalArgumentException("nothing to merge");
        }
        return sum;
    }

    private static Profile profile(Path file) {
        return Profile.fromJson(bytes(file), file.toString());
    }

    private static byte[] bytes(Path file) {
        try {
            return Files.readAllBytes(file);
        } catch (IOException e) {
            throw new StoreException(
                    "reading " + file,
                    "the file system says " + e,
                    "restore the file from a backup, or train the version again",
                    e);
        }
    }

    private static String file(int month) {
        return month == 0 ? "profile.json" : String.format(Locale.ROOT, "profile-%02d.json", month);
    }
}
