package dev.flywheel.pipeline.feature;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import dev.flywheel.core.data.Dataset;
import dev.flywheel.core.model.ElementType;
import dev.flywheel.core.model.Signature;
import dev.flywheel.core.model.TensorSpec;
import dev.flywheel.pipeline.onnx.OnnxGraph;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Features that have learned from training rows: they emit themselves as the front of an ONNX graph, from raw columns
 * to two tensors, {@code FLOAT [rows, numbers]} and {@code INT64 [rows, ids]}. Immutable.
 *
 * <p>This graph is the only implementation: the training matrix is made by running it, and the exported model begins
 * with it.
 */
public final class FittedFeatures {

    /** The output of the feature graph that holds numbers. */
    static final String NUMBERS = "feature_numbers";

    /** The output of the feature graph that holds ids. */
    static final String IDS = "feature_ids";

    private final VectorBlock vectors;
    private final NumberBlock numbers;
    private final TextBlock texts;
    private final WordBlock words;
    private final TimeBlock times;
    private final List<String> notes;
    private final @Nullable Features<?> definition;
    private final List<String> numberNames;
    private final List<IdColumn> idColumns;

    /** @param definition what was fitted; null if that is not known */
    FittedFeatures(
            VectorBlock vectors,
            NumberBlock numbers,
            TextBlock texts,
            WordBlock words,
            TimeBlock times,
            List<String> notes,
            @Nullable Features<?> definition) {
        this.vectors = vectors;
        this.numbers = numbers;
        this.texts = texts;
        this.words = words;
        this.times = times;
        this.notes = notes;
        this.definition = definition;
        Emission layout = emission(new OnnxGraph("layout"));
        this.numberNames = layout.numberNames();
        this.idColumns = layout.idColumns();
    }

    /**
     * The two tensors that the front of a graph gives.
     *
     * @param numbers the name of the {@code FLOAT [rows, numbers]} value; null where no feature is a number
     * @param ids the name of the {@code INT64 [rows, ids]} value; null where no feature is an id
     */
    public record Emitted(
            @Nullable String numbers, @Nullable String ids) {}

    /** {@return the names of the numeric features, in the order of their columns} */
    public List<String> numberNames() {
        return numberNames;
    }

    /** {@return the features that are ids, in the order of their columns} */
    public List<IdColumn> idColumns() {
        return idColumns;
    }

    /** {@return how many ids there are in all; every id is from 0 to one less} */
    public int idCount() {
        return idColumns.stream().mapToInt(IdColumn::cardinality).sum();
    }

    /** {@return the inputs of the graph with their raw columns, as in a {@link dev.flywheel.core.model.Signature}} */
    public List<TensorSpec> inputs() {
        List<TensorSpec> inputs = new ArrayList<>(vectors.inputs());
        inputs.addAll(RawColumns.inputs(numbers.raw(), rawTexts(), times.raw()));
        return List.copyOf(inputs);
    }

    /** {@return where the image stands among the numbers, if there is one} */
    public Optional<ImageShape> image() {
        return vectors.image();
    }

    /** {@return what is worth knowing about the training rows, such as columns without a value} */
    public List<String> notes() {
        return notes;
    }

    /** Adds the inputs, the nodes and, as metadata, the raw columns of these features to an empty graph. */
    public Emitted emit(OnnxGraph graph) {
        Emission emission = emission(graph);
        for (TensorSpec input : inputs()) {
            ArrayNode names = JsonNodeFactory.instance.arrayNode();
            input.columns().forEach(names::add);
            graph.metadata("flywheel." + input.name(), names.toString());
        }
        return new Emitted(emission.numbers(), emission.identifiers());
    }

    private List<String> rawTexts() {
        return Stream.concat(texts.raw().stream(), words.raw().stream())
                .distinct()
                .toList();
    }

    private Emission emission(OnnxGraph graph) {
        Emission emission = new Emission(graph);
        // First, so that no node takes the name of one of these inputs, and an image comes before all other numbers.
        vectors.emit(emission);
        numbers.emit(emission);
        List<String> raw = rawTexts();
        if (!raw.isEmpty()) {
            String input = graph.input(Signature.TEXTS, ElementType.STRING, raw.size());
            texts.emit(emission, input, raw);
            words.emit(emission, input, raw);
        }
        times.emit(emission);
        return emission;
    }

    /** {@return the content of an ONNX file that holds the features alone} */
    byte[] graph() {
        OnnxGraph graph = new OnnxGraph("features");
        Emitted emitted = emit(graph);
        if (emitted.numbers() != null) {
            graph.output(NUMBERS, emitted.numbers(), ElementType.FLOAT, numberNames.size());
        }
        if (emitted.ids() != null) {
            graph.output(IDS, emitted.ids(), ElementType.INT64, idColumns.size());
        }
        return graph.bytes();
    }

    /**
     * {@return the features of all rows, made by running the feature graph in ONNX Runtime}
     *
     * @param data has the columns that were fitted and, for training, {@code $label}
     * @throws dev.flywheel.core.TrainingException if a label is missing or not finite, or the matrix would be larger
     *     than 2 GiB
     * @throws dev.flywheel.core.MissingEngineException if ONNX Runtime is absent
     */
    public FeatureMatrix matrix(Dataset data) {
        return FeatureMatrix.of(this, data);
    }

    /** {@return the same definition fitted on some rows; these features where it is not known} */
    FittedFeatures refitted(Dataset data, BitSet rows) {
        return definition == null ? this : FeatureFitter.fit(definition, data, row -> rows.get((int) row));
    }

    /** {@return all that was learned, as JSON in UTF-8} */
    public byte[] json() {
        return FeatureState.write(vectors.slots(), numbers.slots(), texts.slots(), words.slots(), times.slots(), notes);
    }

    /**
     * {@return the features that the JSON holds}
     *
     * @param json what {@link #json} made
     * @param source what is read, for the message: a file
     * @throws dev.flywheel.core.StoreException if the JSON is damaged
     * @throws dev.flywheel.core.ModelFormatException if a newer release wrote it
     */
    public static FittedFeatures read(byte[] json, String source) {
        return FeatureState.read(json, source);
    }

    /** {@return what was learned, one line for each raw column} */
    public String describe() {
        Map<String, String> lines = new LinkedHashMap<>(vectors.describe());
        numbers.describe().forEach((column, line) -> lines.merge(column, line, (a, b) -> a + "; " + b));
        texts.describe().forEach((column, line) -> lines.merge(column, line, (a, b) -> a + "; " + b));
        words.describe().forEach((column, line) -> lines.merge(column, line, (a, b) -> a + "; " + b));
        times.describe().forEach((column, line) -> lines.merge(column, line, (a, b) -> a + "; " + b));
        return lines.entrySet().stream()
                .map(entry -> entry.getKey() + ": " + entry.getValue())
                .collect(Collectors.joining("\n"));
    }

    @Override
    public String toString() {
        return "FittedFeatures[" + numberNames.size() + " numbers, " + idColumns.size() + " ids]";
    }
}
