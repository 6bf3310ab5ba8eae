package dev.flywheel.pipeline.explain;

import dev.flywheel.core.DataException;
import dev.flywheel.core.StoreException;
import dev.flywheel.core.data.Dataset;
import dev.flywheel.core.data.RowReader;
import dev.flywheel.core.data.RowType;
import dev.flywheel.core.data.Schema;
import dev.flywheel.core.io.Durable;
import dev.flywheel.core.model.Artifact;
import dev.flywheel.core.model.ModelVersion;
import dev.flywheel.core.model.Signature;
import dev.flywheel.pipeline.explain.Explanation.Contribution;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.function.IntUnaryOperator;
import java.util.function.Predicate;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * Explains the predictions of one version, by a few of the rows that it learned from: the background, kept in the
 * folder {@code reference/background} of the version's directory. Immutable and thread-safe.
 */
public final class Explainer {

    /** As many as leave ten columns exact. */
    static final int BACKGROUND_ROWS = 100;

    private static final String FOLDER = "background";

    private final int version;
    private final Cells background;

    private Explainer(int version, Cells background) {
        this.version = version;
        this.background = background;
    }

    /**
     * Keeps the background of a version: at most {@value #BACKGROUND_ROWS} rows, drawn at random, of the columns that
     * the model takes and no others. Nothing is kept if there is no row, or a column that the model takes may not be
     * kept.
     *
     * @param directory the version's directory
     * @param train what the version learned from
     * @param rows how many of the first rows may be kept
     * @param kept tells whether a column may be kept
     * @throws StoreException if the file system refuses
     */
    public static void keep(
            Path directory, Signature signature, Dataset train, int rows, Predicate<String> kept, long seed) {
        Set<String> columns = Subject.columns(signature);
        if (rows == 0 || columns.isEmpty() || !columns.stream().allMatch(kept)) {
            return;
        }
        int[] drawn = Cells.sample(rows, BACKGROUND_ROWS, new SplittableRandom(seed));
        Cells cells = Cells.of(train, columns, drawn);
        Path folder = directory.resolve(Artifact.REFERENCE).resolve(FOLDER);
        Durable.createDirectories(folder);
        try (Dataset.Writer writer = Dataset.writer(folder, cells.schema())) {
            for (RowReader row : cells.all()) {
                row.copyTo(writer);
                writer.endRow();
            }
            Dataset unused = writer.finish();
        }
    }

    /**
     * {@return what explains the predictions of a version}
     *
     * @throws StoreException if no background was kept with it, or the file is damaged
     */
    public static Explainer open(ModelVersion version) {
        Path folder = version.directory().resolve(Artifact.REFERENCE).resolve(FOLDER);
        try (Stream<Path> files = Files.isDirectory(folder) ? Files.list(folder) : Stream.empty()) {
            Path file = files.filter(each -> each.toString().endsWith(".arrow"))
                    .findFirst()
                    .orElseThrow(() -> new StoreException(
                            "version " + version.number() + " cannot explain its predictions",
                            "no rows that it learned from are kept in " + folder
                                    + ": it was made by an earlier release, from predictions alone, or by a pipeline that"
                                    + " does not log the columns it needs",
                            "let the pipeline log the columns that it learns from, and train again"));
            Dataset rows = Dataset.open(file);
            rows.verify();
            int[] all = IntStream.range(0, (int) rows.rows()).toArray();
            List<String> names =
                    rows.schema().columns().stream().map(c -> c.name()).toList();
            return new Explainer(version.number(), Cells.of(rows, names, all));
        } catch (IOException e) {
            throw new StoreException(
                    "version " + version.number() + " cannot explain its predictions",
                    "the file system says " + e,
                    "see that the folder " + folder + " can be read",
                    e);
        }
    }

    /** {@return the number of the version whose predictions it explains} */
    public int version() {
        return version;
    }

    /**
     * {@return what each column added to the prediction for an input} Exact where that takes at most 131,072 rows to be
     * scored, as with ten columns; else from a sample of some 32,000 rows, always the same.
     *
     * @param type how an input becomes columns
     * @param scorer asks the version
     * @throws DataException if the inputs lack a column of the background
     */
    public <I> Explanation explain(RowType<I> type, I input, Subject.Scorer scorer) {
        Schema inputs = type.schema();
        Schema columns = background.schema();
        for (var column : columns.columns()) {
            if (!inputs.contains(column.name())
                    || inputs.column(inputs.indexOf(column.name())).type() != column.type()) {
                throw new DataException(
                        "version " + version + " cannot explain its predictions",
                        "it takes column \"" + column.name() + "\" of type " + column.type() + ", the inputs are "
                                + inputs,
                        "give it inputs with the columns that it learned from");
            }
        }
        WrittenRow row = new WrittenRow(inputs);
        type.write(input, row);
        Cells cells = background.plus(row);
        int explained = background.rows();
        Numbers numbers = new Numbers(scorer);
        Shapley found = Shapley.of(
                columns.size(),
                background.rows(),
                (other, column) -> !cells.same(column, other, explained),
                plays -> numbers.of(
                        cells.rows(plays.size(), index -> source(plays.get(index), explained)),
                        cells.rows(1, index -> column -> explained)),
                Shapley.MOST_EXACT,
                0);
        List<Contribution> contributions = new ArrayList<>();
        for (int column = 0; column < columns.size(); column++) {
            contributions.add(
                    new Contribution(columns.column(column).name(), found.values()[column], found.errors()[column]));
        }
        contributions.sort(Comparator.comparingDouble(each -> -Math.abs(each.value())));
        return new Explanation(
                version,
                found.prediction(),
                numbers.output,
                found.base(),
                contributions,
                background.rows(),
                found.exact());
    }

    private static IntUnaryOperator source(Shapley.Play play, int explained) {
        return column -> play.explained(column) ? explained : play.background();
    }

    /** Where a model gives several numbers for each row, those of the one that is largest for the input. */
    private static final class Numbers {

        private final Subject.Scorer scorer;
        private int output;

        Numbers(Subject.Scorer scorer) {
            this.scorer = scorer;
        }

        double[] of(List<RowReader> rows, List<RowReader> input) {
            double[] scores = scorer.score(rows);
            int width = scores.length / rows.size();
            if (width == 1) {
                return scores;
            }
            double[] own = scorer.score(input);
            output = IntStream.range(0, width)
                    .reduce((a, b) -> own[b] > own[a] ? b : a)
                    .orElse(0);
            return IntStream.range(0, rows.size())
                    .mapToDouble(row -> scores[row * width + output])
                    .toArray();
        }
    }
}
