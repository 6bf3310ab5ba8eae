package dev.flywheel.core.stat.drift;

import dev.flywheel.core.StoreException;
import dev.flywheel.core.data.Column;
import dev.flywheel.core.data.ColumnType;
import dev.flywheel.core.io.Json;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A profile as JSON, with a format number and a checksum. */
final class ProfileFile {

    private static final int FORMAT = 1;
    private static final String SUM = "sha256";

    private ProfileFile() {}

    private record Format(int format) {}

    private record File(
            int format,
            long rows,
            long earliest,
            long latest,
            List<ColumnFile> columns,
            ColumnFile prediction,
            String sha256) {}

    private record ColumnFile(
            String name,
            ColumnType type,
            boolean nullable,
            long missing,
            @Nullable NumbersFile numbers,
            Categories.@Nullable State categories) {}

    private record NumbersFile(
            long count, double mean, double squares, double min, double max, List<List<Double>> levels) {}

    static byte[] write(Profile profile) {
        List<ColumnFile> columns =
                profile.columns().stream().map(ProfileFile::file).toList();
        File unsigned = file(profile, columns, "");
        return Json.write(file(profile, columns, Json.fingerprint(Json.write(unsigned), SUM, "a profile")));
    }

    private static File file(Profile profile, List<ColumnFile> columns, String sum) {
        return new File(
                FORMAT,
                profile.rows(),
                profile.earliestMicros(),
                profile.latestMicros(),
                columns,
                file(profile.prediction()),
                sum);
    }

    private static ColumnFile file(ColumnProfile profile) {
        Column column = profile.column();
        NumbersFile numbers = null;
        if (profile.numeric()) {
            Moments m = profile.numbers().moments();
            List<List<Double>> levels = new ArrayList<>();
            for (double[] level : profile.numbers().ranks().levels()) {
                levels.add(Arrays.stream(level).boxed().toList());
            }
            numbers = new NumbersFile(m.count, m.mean, m.squares, m.min, m.max, levels);
        }
        return new ColumnFile(
                column.name(),
                column.type(),
                column.nullable(),
                profile.missing(),
                numbers,
                profile.numeric() ? null : profile.texts().state());
    }

    static Profile read(byte[] json, String source) {
        int format = Json.readKnown(json, Format.class, source).format;
        if (format != FORMAT) {
            throw new StoreException(
                    "reading " + source,
                    "the profile's format is " + format + ", this library reads format " + FORMAT,
                    "upgrade the library");
        }
        File file = Json.read(json, File.class, source);
        String actual = Json.fingerprint(json, SUM, source);
        if (!actual.equals(file.sha256)) {
            throw damaged(source, "expected SHA-256 " + file.sha256 + ", found " + actual);
        }
        List<ColumnProfile> columns = new ArrayList<>();
        for (ColumnFile column : file.columns) {
            columns.add(profile(column, source, file.rows));
        }
        ColumnProfile prediction = profile(file.prediction, source, -1);
        return new Profile(columns, prediction, file.rows, file.earliest, file.latest);
    }

    private static ColumnProfile profile(ColumnFile file, String source, long rows) {
        ColumnProfile.Numbers numbers = null;
        Categories categories = null;
        if (file.numbers != null) {
            numbers = numbers(file.numbers);
        } else if (file.categories != null) {
            categories = Categories.of(file.categories);
        }
        boolean categorical = file.type == ColumnType.TEXT || file.type == ColumnType.BOOLEAN;
        if (categorical ? categories == null : numbers == null) {
            throw damaged(source, "column \"" + file.name + "\" holds what no profile holds");
        }
        Column column = new Column(file.name, file.type, file.nullable);
        ColumnProfile profile = new ColumnProfile(column, numbers, categories, file.missing);
        // a row that broke off while it was read is missing in the columns after the break
        if (rows >= 0 && profile.rows() > rows) {
            throw damaged(
                    source, "column \"" + file.name + "\" has " + profile.rows() + " rows, the profile has " + rows);
        }
        return profile;
    }

    private static ColumnProfile.@Nullable Numbers numbers(NumbersFile file) {
        double[][] levels = new double[file.levels.size()][];
        for (int h = 0; h < levels.length; h++) {
            levels[h] = file.levels.get(h).stream().mapToDouble(x -> x).toArray();
        }
        Kll ranks = Kll.of(levels);
        if (ranks == null || ranks.count() != file.count) {
            return null;
        }
        Moments moments = new Moments();
        moments.count = file.count;
        moments.mean = file.mean;
        moments.squares = file.squares;
        moments.min = file.min;
        moments.max = file.max;
        return new ColumnProfile.Numbers(moments, ranks);
    }

    private static StoreException damaged(String source, String why) {
        return new StoreException(
                "reading " + source,
                "the profile is damaged: " + why,
                "restore the file from a backup, or profile the rows again");
    }
}
