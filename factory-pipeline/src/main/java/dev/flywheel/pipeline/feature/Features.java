package dev.flywheel.pipeline.feature;

import dev.flywheel.core.data.Accessor;
import dev.flywheel.core.data.Column;
import dev.flywheel.core.data.Dataset;
import dev.flywheel.core.data.RecordType;
import dev.flywheel.core.data.Row;
import dev.flywheel.core.data.Schema;
import java.io.Serializable;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Which raw columns a model sees, and how. Immutable; each method gives a new definition. Nothing is learned here:
 * {@link #fit} does that.
 *
 * <p>Columns are named by the accessors of a record ({@code Flight::distance}), or by their names.
 *
 * @param <I> the type of a row
 */
public final class Features<I> implements Serializable {

    private static final long serialVersionUID = 1L;

    private final @Nullable Class<I> type;
    private final boolean automatic;
    private final TreeSet<String> excepted;
    private final ArrayList<Spec> specs;

    private Features(@Nullable Class<I> type, boolean automatic, Set<String> excepted, List<Spec> specs) {
        this.type = type;
        this.automatic = automatic;
        this.excepted = new TreeSet<>(excepted);
        this.specs = new ArrayList<>(specs);
    }

    /** {@return an empty definition over the accessors of a record} */
    public static <I> Features<I> of(Class<I> type) {
        return new Features<>(Objects.requireNonNull(type, "type"), false, Set.of(), List.of());
    }

    /** {@return an empty definition over rows whose columns are named by text} */
    public static Features<Row> rows() {
        return new Features<>(null, false, Set.of(), List.of());
    }

    /**
     * {@return a definition that takes every column of a record: numbers, integers and booleans (0 and 1) as
     * {@link #number}, texts as {@link #category}, vectors as {@link #vector}, times as {@link #calendar} (hour, day of
     * week; month and year where the training rows span at least two years)} A column that is named as well is taken as
     * named.
     */
    public static <I> Features<I> auto(Class<I> type) {
        return new Features<>(Objects.requireNonNull(type, "type"), true, Set.of(), List.of());
    }

    /** {@return a definition that takes every column of the training rows; see {@link #auto(Class)}} */
    public static Features<Row> auto() {
        return new Features<>(null, true, Set.of(), List.of());
    }

    /**
     * {@return the same, with a numeric column} Without steps it is {@code impute(), standardize()}; with steps it is
     * those, and {@code impute()} where they do not say how.
     *
     * @param column a number, an integer or a boolean, which counts as 0 or 1
     */
    public Features<I> number(Accessor<I, ?> column, Transform... steps) {
        return number(nameOf(column), steps);
    }

    /** {@return the same, with a numeric column; see {@link #number(Accessor, Transform...)}} */
    public Features<I> number(String column, Transform... steps) {
        NumberSteps.check(column, List.of(steps));
        return with(new Spec.Numeric(
                column, steps.length == 0 ? List.of(Transform.impute(), Transform.standardize()) : List.of(steps)));
    }

    /** {@return the same, with a category in {@link Encoding#vocabulary()}} */
    public Features<I> category(Accessor<I, ?> column) {
        return category(column, Encoding.vocabulary());
    }

    /** {@return the same, with a category in {@link Encoding#vocabulary()}} */
    public Features<I> category(String column) {
        return category(column, Encoding.vocabulary());
    }

    /**
     * {@return the same, with a category}
     *
     * @param column a text, an integer or a boolean
     */
    public Features<I> category(Accessor<I, ?> column, Encoding encoding) {
        return category(nameOf(column), encoding);
    }

    /** {@return the same, with a category; see {@link #category(Accessor, Encoding)}} */
    public Features<I> category(String column, Encoding encoding) {
        return with(new Spec.Category(column, Objects.requireNonNull(encoding, "encoding")));
    }

    /**
     * {@return the same, with a text that is read word by word, such as a review} Each of the at most 10,000 words and
     * pairs of neighbouring words that are in most training rows, and in two or more, becomes a number that tells how
     * much the text is about it (TF-IDF: Sparck Jones 1972; as scikit-learn computes it, with log2(1 + count) as the
     * count). Words are runs of letters and digits; A to Z count as a to z. A missing text has no word.
     *
     * <p>The numbers of a row are many: a linear model learns most from them for the least, and a million rows do not
     * fit into a training matrix.
     */
    public Features<I> words(Accessor<I, String> column) {
        return words(nameOf(column));
    }

    /** {@return the same, with a text that is read word by word; see {@link #words(Accessor)}} */
    public Features<I> words(String column) {
        return with(new Spec.Words(column));
    }

    /**
     * {@return the same, with a text that an encoder makes into a vector, from which a model learns what the text is
     * about} Each number of the vector is standardized by itself, and all are then scaled down so that they weigh as
     * one number together. A missing text counts as the mean of all; an empty one is a text like others.
     *
     * <p>The encoder runs before the graph that is trained: over the examples of a run, and over each input on the
     * thread that asks for a prediction. Logs and datasets hold the text alone. Needs
     * {@code ai.djl.huggingface:tokenizers} on the class path.
     */
    public Features<I> text(Accessor<I, String> column, TextEncoder encoder) {
        return text(nameOf(column), encoder);
    }

    /** {@return the same, with a text that an encoder makes into a vector; see {@link #text(Accessor, TextEncoder)}} */
    public Features<I> text(String column, TextEncoder encoder) {
        if (encoders().containsKey(column)) {
            throw new IllegalArgumentException(
                    "text(" + column + ") has an encoder already: " + encoders().get(column));
        }
        return with(new Spec.Text(column, Objects.requireNonNull(encoder, "encoder"), ""));
    }

    /** {@return the encoders of texts, by column} */
    public Map<String, TextEncoder> encoders() {
        Map<String, TextEncoder> encoders = new TreeMap<>();
        for (Spec spec : specs) {
            if (spec instanceof Spec.Text text) {
                encoders.put(text.column(), text.encoder());
            }
        }
        return encoders;
    }

    /**
     * {@return the same, for rows that hold what the encoders have made}
     *
     * @param vectors by each column that has an encoder: the column that holds its vectors
     */
    public Features<I> encoded(Map<String, String> vectors) {
        List<Spec> known = new ArrayList<>();
        for (Spec spec : specs) {
            known.add(
                    spec instanceof Spec.Text text
                            ? new Spec.Text(
                                    text.column(),
                                    text.encoder(),
                                    Objects.requireNonNull(vectors.get(text.column()), text.column()))
                            : spec);
        }
        return new Features<>(type, automatic, excepted, known);
    }

    /**
     * {@return the same, with a vector such as an embedding} Each of its numbers is standardized by itself; a missing
     * one becomes the mean.
     */
    public Features<I> vector(Accessor<I, float[]> column) {
        return vector(nameOf(column));
    }

    /** {@return the same, with a vector; see {@link #vector(Accessor)}} */
    public Features<I> vector(String column) {
        return with(new Spec.Vector(column));
    }

    /**
     * {@return the same, with a vector that holds an image} Its pixels are standardized by one mean and one standard
     * deviation, those of all pixels of the training rows, and limited to 16 of these; a missing one becomes the mean.
     * They are the first numeric features, see {@link FittedFeatures#image}.
     *
     * @param column pixels channel by channel, each row by row from the top; {@code channels * height * width} of them
     * @throws IllegalArgumentException if a size is below 1, the vector has another length, or there is an image
     *     already
     */
    public Features<I> image(Accessor<I, float[]> column, int channels, int height, int width) {
        return image(nameOf(column), channels, height, width);
    }

    /** {@return the same, with an image; see {@link #image(Accessor, int, int, int)}} */
    public Features<I> image(String column, int channels, int height, int width) {
        if (channels < 1 || height < 1 || width < 1) {
            throw new IllegalArgumentException("image(" + column + ") needs channels, height and width of at least 1,"
                    + " found " + channels + ", " + height + ", " + width);
        }
        return with(new Spec.Image(column, channels, height, width));
    }

    /** {@return the same, with parts of a time, in UTC} */
    public Features<I> calendar(Accessor<I, Instant> column, CalendarPart... parts) {
        return calendar(nameOf(column), parts);
    }

    /** {@return the same, with parts of a time, in UTC} */
    public Features<I> calendar(String column, CalendarPart... parts) {
        if (parts.length == 0 || Set.of(parts).size() < parts.length) {
            throw new IllegalArgumentException("calendar(" + column + ") needs one or more different parts");
        }
        return with(new Spec.Calendar(column, List.of(parts)));
    }

    /**
     * {@return the same, with the sine and cosine of a number that turns in a circle} A missing number gives 0 and 0.
     *
     * @param period the length of one turn in the column's unit, above 0: 360 for degrees
     */
    public Features<I> cyclic(Accessor<I, ?> column, double period) {
        return cyclic(nameOf(column), period);
    }

    /** {@return the same, with the sine and cosine of a number; see {@link #cyclic(Accessor, double)}} */
    public Features<I> cyclic(String column, double period) {
        if (!(period > 0) || Double.isInfinite(period)) {
            throw new IllegalArgumentException("cyclic(" + column + ") needs a period above 0, found " + period);
        }
        return with(new Spec.Cycle(column, period));
    }

    /**
     * {@return the same, with the sine and cosine of a time within a repeating stretch that began in 1970} A missing
     * time gives 0 and 0.
     *
     * @param period the length of the stretch, in whole seconds, at least one
     */
    public Features<I> cyclic(Accessor<I, Instant> column, Duration period) {
        return cyclic(nameOf(column), period);
    }

    /** {@return the same, with the sine and cosine of a time; see {@link #cyclic(Accessor, Duration)}} */
    public Features<I> cyclic(String column, Duration period) {
        if (period.toSeconds() < 1 || !period.equals(Duration.ofSeconds(period.toSeconds()))) {
            throw new IllegalArgumentException(
                    "cyclic(" + column + ") needs a period of whole seconds, at least one, found " + period);
        }
        return with(new Spec.TimeCycle(column, period.toSeconds()));
    }

    /**
     * {@return the same, without these columns}
     *
     * @throws IllegalStateException if the definition is not an automatic one
     */
    public Features<I> except(String... columns) {
        if (!automatic) {
            throw new IllegalStateException("except(" + String.join(", ", columns)
                    + ") leaves columns out of Features.auto; this definition takes only those that it names");
        }
        Set<String> both = new TreeSet<>(excepted);
        both.addAll(List.of(columns));
        return checked(new Features<>(type, true, both, specs));
    }

    /** {@return the same, without these columns; see {@link #except(String...)}} */
    @SafeVarargs
    public final Features<I> except(Accessor<I, ?>... columns) {
        String[] names = new String[columns.length];
        for (int i = 0; i < names.length; i++) {
            names[i] = nameOf(columns[i]);
        }
        return except(names);
    }

    /** {@return whether a column is an image} */
    public boolean seeImage() {
        return specs.stream().anyMatch(Spec.Image.class::isInstance);
    }

    /** {@return the definition in one line, the same for equal definitions} */
    public String describe() {
        List<String> parts = new ArrayList<>();
        if (automatic) {
            parts.add(excepted.isEmpty() ? "auto" : "auto except " + String.join(", ", excepted));
        }
        specs.forEach(spec -> parts.add(spec.describe()));
        return parts.isEmpty() ? "none" : parts.stream().collect(Collectors.joining(", "));
    }

    /**
     * Learns what the definition leaves open: means, vocabularies, bins. Reads the rows once. Medians, means and bins
     * are exact up to a million rows and come from a random million of them beyond.
     *
     * @param data the training rows; columns whose names begin with {@code $} are not features
     * @throws IllegalArgumentException if a column is absent, or of a type that its feature cannot take; if a text has
     *     an encoder and the rows do not hold what it makes, see {@link #encoded}
     * @throws dev.flywheel.core.TrainingException if there is no row or no feature
     */
    public FittedFeatures fit(Dataset data) {
        return FeatureFitter.fit(this, data, row -> true);
    }

    /** {@return the raw columns that are known from the definition alone: of an automatic one over rows, the named} */
    public Set<String> columns() {
        if (type != null) {
            return columns(RecordType.of(type).schema());
        }
        return specs.stream().map(Spec::column).collect(Collectors.toCollection(TreeSet::new));
    }

    /**
     * {@return the raw columns that a model sees}
     *
     * @param schema the columns of the rows
     * @throws IllegalArgumentException if one is absent, or of a type that its feature cannot take
     */
    public Set<String> columns(Schema schema) {
        return resolve(schema).stream().map(Spec::column).collect(Collectors.toCollection(TreeSet::new));
    }

    /** The features over these columns, with the automatic ones spelled out; only times are left open. */
    List<Spec> resolve(Schema schema) {
        List<Spec> resolved = new ArrayList<>();
        for (Spec spec : specs) {
            SpecTypes.check(spec, schema);
            resolved.add(spec);
        }
        Set<String> named = specs.stream().map(Spec::column).collect(Collectors.toSet());
        for (Column column : schema.columns()) {
            String name = column.name();
            if (automatic && !name.startsWith("$") && !named.contains(name) && !excepted.contains(name)) {
                Spec spec = SpecTypes.automatic(column);
                SpecTypes.check(spec, schema);
                resolved.add(spec);
            }
        }
        return resolved;
    }

    private String nameOf(Accessor<I, ?> column) {
        if (type == null) {
            throw new IllegalStateException("rows have no accessors: name the column by its text");
        }
        return RecordType.nameOf(type, column);
    }

    private Features<I> with(Spec spec) {
        List<Spec> more = new ArrayList<>(specs);
        more.add(spec);
        if (specs.contains(spec)) {
            throw new IllegalArgumentException(spec.describe() + " is in the features twice");
        }
        for (Spec first : specs) {
            boolean vector = first instanceof Spec.Vector || first instanceof Spec.Image;
            if ((vector && first.column().equals(spec.column()))
                    || (first instanceof Spec.Image && spec instanceof Spec.Image)) {
                throw new IllegalArgumentException(spec.describe() + " cannot be in the features beside "
                        + first.describe() + ": a model takes one image, and a vector once");
            }
        }
        return checked(new Features<>(type, automatic, excepted, more));
    }

    /** A record's columns are known, so a wrong one fails where it is named. */
    private static <I> Features<I> checked(Features<I> features) {
        if (features.type != null) {
            Schema schema = RecordType.of(features.type).schema();
            features.specs.forEach(spec -> SpecTypes.check(spec, schema));
            features.excepted.forEach(schema::indexOf);
        }
        return features;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Features<?> that && describe().equals(that.describe());
    }

    @Override
    public int hashCode() {
        return describe().hashCode();
    }

    @Override
    public String toString() {
        return "Features[" + describe() + "]";
    }
}
