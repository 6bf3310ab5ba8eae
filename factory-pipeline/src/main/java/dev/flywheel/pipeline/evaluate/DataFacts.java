package dev.flywheel.pipeline.evaluate;

import dev.flywheel.core.io.Json;
import java.time.Instant;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The card of the data that a run learned from (Pushkarna, Zaldivar and Kjartansson, <em>Data Cards</em>, FAccT 2022):
 * what the run knows of it and nothing else. Kept as JSON, of which this record is the shape. A run that failed leaves
 * the parts that it did not reach empty, and says in {@code missing} which they are. Immutable.
 *
 * <p>Columns that the log of predictions hashes or leaves out are named, with their types and how often they are
 * missing, and none of their values is told; neither are ids of events, nor texts that fewer than
 * {@value #FEWEST_HOLDERS} rows hold, because they may stand for somebody.
 *
 * @param format the version of the shape, 1
 * @param run which run it was and how it ended
 * @param source where the examples come from, in words
 * @param target what is to be predicted, in words
 * @param selection which examples were taken, fact by fact
 * @param checks the rows that were read and refused; the quarantine is named by its file's name
 * @param rules what examples had to satisfy, in words
 * @param parts the datasets: all examples, and those to train, to test, and to compare candidates on
 * @param split how test examples were held back, in words
 * @param columns the columns of all examples
 * @param labels the number of examples of each class; empty for a number
 * @param leakage what was looked for and found of test rows that are easier than the future will be, as sentences
 * @param logging which predictions are logged, in words
 * @param missing what the card does not say, and how to give it
 */
public record DataFacts(
        int format,
        RunReport.Head run,
        String source,
        String target,
        Map<String, String> selection,
        RunReport.Checks checks,
        List<String> rules,
        List<Part> parts,
        String split,
        List<Column> columns,
        List<Profiles.TopValue> labels,
        List<String> leakage,
        String logging,
        List<Gap> missing) {

    /** The version of the shape that this library writes. */
    public static final int FORMAT = 1;

    /** A text that fewer rows hold is not told. */
    public static final int FEWEST_HOLDERS = 5;

    /** Copies the collections. */
    public DataFacts {
        selection = Collections.unmodifiableMap(new LinkedHashMap<>(selection));
        rules = List.copyOf(rules);
        parts = List.copyOf(parts);
        columns = List.copyOf(columns);
        labels = List.copyOf(labels);
        leakage = List.copyOf(leakage);
        missing = List.copyOf(missing);
    }

    /**
     * A dataset of the run.
     *
     * @param name what it was used for, such as "train"
     * @param rows the number of rows
     * @param hash the dataset's SHA-256
     * @param from the earliest event time; null where there is none
     * @param to the latest event time; null where there is none
     */
    public record Part(
            String name,
            long rows,
            String hash,
            @Nullable Instant from,
            @Nullable Instant to) {}

    /** What a column is to a model. */
    public enum Role {
        /** The model takes it. */
        INPUT,
        /** It is there, and the model does not take it. */
        UNUSED,
        /** What the model learns to predict. */
        LABEL,
        /** When the event was. */
        TIME,
        /** Which event it was. */
        ID
    }

    /**
     * A column of the examples.
     *
     * @param role what it is to the model
     * @param withheld why its values are not told; empty if they are
     * @param profile its name, type, missing values, and what is told of the others
     */
    public record Column(Role role, String withheld, Profiles.ColumnProfile profile) {

        /** {@return a column of whose values only what may be told is left} */
        public static Column of(Role role, String withheld, Profiles.ColumnProfile all) {
            Profiles.Text text = all.text();
            if (!withheld.isEmpty() || text == null) {
                return new Column(role, withheld, withheld.isEmpty() ? all : all.withoutValues());
            }
            List<Profiles.TopValue> frequent = text.top().stream()
                    .filter(value -> value.rows() >= FEWEST_HOLDERS)
                    .toList();
            Profiles.Text told = new Profiles.Text(text.distinct(), text.precision(), frequent);
            return new Column(
                    role,
                    withheld,
                    new Profiles.ColumnProfile(all.name(), all.type(), all.rows(), all.missing(), told, null, null));
        }
    }

    /**
     * Something that a card should say and does not.
     *
     * @param what what it is
     * @param fix how to give it, or why it cannot be given
     */
    public record Gap(String what, String fix) {}

    /** {@return this card as JSON in UTF-8} */
    public byte[] json() {
        return Json.write(this);
    }

    /**
     * {@return the card that the JSON holds}
     *
     * @param json what {@link #json} made, by this or a newer release
     * @param source what is read, for the message: a file
     * @throws dev.flywheel.core.StoreException if the JSON is damaged or no card
     */
    public static DataFacts read(byte[] json, String source) {
        return Json.readKnown(json, DataFacts.class, source);
    }
}
