package dev.flywheel.pipeline.evaluate;

import dev.flywheel.core.io.Json;
import dev.flywheel.core.model.Estimate;
import dev.flywheel.core.model.Task;
import dev.flywheel.core.model.Verdict;
import dev.flywheel.core.stat.fairness.Criterion;
import dev.flywheel.core.stat.fairness.Rate;
import java.util.Collections;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The card of the model that a run made (Mitchell et al., <em>Model Cards for Model Reporting</em>, FAT* 2019): what
 * the run knows of it and nothing else. Kept as JSON, of which this record is the shape. A run that failed leaves the
 * parts that it did not reach empty, and says in {@code missing} which they are. Immutable.
 *
 * <p>No value is told of columns that the log of predictions hashes or leaves out: nothing is cut by them, their groups
 * are numbered, and what a gate says of them is its outcome alone.
 *
 * @param format the version of the shape, 1
 * @param run which run it was and how it ended
 * @param prediction what the model predicts
 * @param inputs the columns that it takes
 * @param maker how it was made
 * @param data what it was made of and judged on
 * @param split how test examples were held back, in words
 * @param models the candidates and the champion, with metrics and intervals, calibration, slices, importance and
 *     robustness of the best
 * @param advantage how much better than the champion it is by the most telling metric, paired by row; null if there is
 *     no champion
 * @param fairness how it decides for groups, for each column that a gate of fairness names
 * @param gates what the gates said, with the numbers
 * @param risk the class of risk that the pipeline declares
 * @param limits what follows from the facts for whoever uses the model, as sentences
 * @param missing what the card does not say, and how to give it
 */
public record ModelFacts(
        int format,
        RunReport.Head run,
        Target prediction,
        List<DataFacts.Column> inputs,
        Maker maker,
        List<DataFacts.Part> data,
        String split,
        RunReport.Models models,
        @Nullable Estimate advantage,
        List<Groups> fairness,
        List<Verdict> gates,
        String risk,
        List<String> limits,
        List<DataFacts.Gap> missing) {

    /** The version of the shape that this library writes. */
    public static final int FORMAT = 1;

    /** Copies the lists. */
    public ModelFacts {
        inputs = List.copyOf(inputs);
        data = List.copyOf(data);
        fairness = List.copyOf(fairness);
        gates = List.copyOf(gates);
        limits = List.copyOf(limits);
        missing = List.copyOf(missing);
    }

    /**
     * What a model predicts.
     *
     * @param target in words
     * @param task what comes out
     * @param classes the names of the classes, in the order of their probabilities; empty unless it is one of several
     * @param decision how a prediction becomes a decision in this card
     */
    public record Target(String target, Task task, List<String> classes, String decision) {

        /** Copies the list. */
        public Target {
            classes = List.copyOf(classes);
        }
    }

    /**
     * How a model was made: with the data's hashes, all that is needed to make it again.
     *
     * @param trainer the best candidate, such as "mlp"; empty if there is none
     * @param settings all of its settings, in order
     * @param seed the seed of everything random
     * @param definitionHash the SHA-256 of the pipeline's printed definition
     * @param definition the pipeline's printed definition
     * @param environment library, Java, engine, provider and the like, in order
     */
    public record Maker(
            String trainer,
            Map<String, String> settings,
            long seed,
            String definitionHash,
            String definition,
            Map<String, String> environment) {

        /** Copies the maps. */
        public Maker {
            settings = Collections.unmodifiableMap(new LinkedHashMap<>(settings));
            environment = Collections.unmodifiableMap(new LinkedHashMap<>(environment));
        }
    }

    /**
     * How a model decides at 0.5 for the values or ranges of a column.
     *
     * @param column the column
     * @param groups the groups, the largest first, at most {@value #MOST_GROUPS}
     * @param differences by each criterion the largest difference between two groups that are large enough
     */
    public record Groups(String column, List<Group> groups, Map<Criterion, Estimate> differences) {

        /** More groups are not told one by one. */
        public static final int MOST_GROUPS = 25;

        /** Copies the collections. */
        public Groups {
            groups = List.copyOf(groups);
            differences = Collections.unmodifiableMap(new EnumMap<>(differences));
        }
    }

    /**
     * How a model decides for the rows of a group.
     *
     * @param name the value or range; "group 1" and so on where it must not be told
     * @param rows the number of test rows
     * @param rates each rate with its interval; NaN where there is no row to take it of
     */
    public record Group(String name, long rows, Map<Rate, Estimate> rates) {

        /** Copies the map. */
        public Group {
            rates = Collections.unmodifiableMap(new EnumMap<>(rates));
        }
    }

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
    public static ModelFacts read(byte[] json, String source) {
        return Json.readKnown(json, ModelFacts.class, source);
    }

    /** {@return this card and that of the data as one HTML file, as self-contained as a run's report} */
    public String page(DataFacts card) {
        return CardPage.of(this, card);
    }
}
