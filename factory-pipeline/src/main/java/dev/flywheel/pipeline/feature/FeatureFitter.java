package dev.flywheel.pipeline.feature;

import dev.flywheel.core.TrainingException;
import dev.flywheel.core.data.Batch;
import dev.flywheel.core.data.Dataset;
import dev.flywheel.core.data.Scan;
import dev.flywheel.core.data.Schema;
import java.math.BigDecimal;
import java.math.MathContext;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeSet;
import java.util.function.LongPredicate;
import java.util.stream.IntStream;

/** Reads the rows to learn from once, gathers what the features need to know of each column, and fits them. */
final class FeatureFitter {

    /** A column whose range has fewer steps of single precision than this has lost much of what it says. */
    private static final int FEWEST_STEPS = 1_000;

    private final Features<?> features;
    private final Schema schema;
    private final List<Spec> specs;
    private final Map<String, ColumnSample> samples = new LinkedHashMap<>();
    private final Map<String, Vocabulary> vocabularies = new LinkedHashMap<>();
    private final Map<String, Vocabulary> words = new LinkedHashMap<>();
    private final Map<String, VectorMoments> vectors = new LinkedHashMap<>();
    private final Map<String, TimeSpan> spans = new LinkedHashMap<>();
    private final TreeSet<String> notes = new TreeSet<>();
    private long rows;

    private FeatureFitter(Features<?> features, Schema schema, List<Spec> specs) {
        this.features = features;
        this.schema = schema;
        this.specs = specs;
        for (Spec spec : specs) {
            if (spec instanceof Spec.Numeric) {
                samples.put(spec.column(), new ColumnSample());
            } else if (spec instanceof Spec.Category category
                    && category.encoding().kind() != Encoding.Kind.HASHED) {
                vocabularies.put(spec.column(), new Vocabulary());
            } else if (spec instanceof Spec.Words) {
                words.put(spec.column(), new Vocabulary());
            } else if (spec instanceof Spec.Calendar) {
                spans.put(spec.column(), new TimeSpan());
            } else if (spec instanceof Spec.Vector || spec instanceof Spec.Image) {
                int length = schema.column(schema.indexOf(spec.column())).length();
                vectors.put(spec.column(), new VectorMoments(length));
            } else if (spec instanceof Spec.Text text) {
                if (text.vector().isEmpty()) {
                    throw new IllegalArgumentException("feature " + spec.describe()
                            + " learns from vectors, and these rows hold the text alone: a pipeline encodes them");
                }
                int length = schema.column(schema.indexOf(text.vector())).length();
                vectors.put(text.vector(), new VectorMoments(length));
            }
        }
    }

    /** @param chosen whether a row, counted from 0, is learned from */
    static FittedFeatures fit(Features<?> features, Dataset data, LongPredicate chosen) {
        List<Spec> specs = features.resolve(data.schema());
        if (specs.isEmpty()) {
            throw new TrainingException(
                    "the features " + features.describe() + " were not fitted",
                    "they take none of the columns " + data.schema(),
                    "name a column, or use Features.auto");
        }
        if (data.rows() == 0) {
            throw new TrainingException(
                    "the features " + features.describe() + " were not fitted",
                    "the dataset has no rows",
                    "check the source, its filter and the split");
        }
        FeatureFitter fitter = new FeatureFitter(features, data.schema(), specs);
        long first = 0;
        try (Scan scan = data.scan()) {
            for (Batch batch = scan.next(); batch != null; batch = scan.next()) {
                long from = first;
                fitter.read(
                        batch,
                        IntStream.range(0, batch.rows())
                                .filter(row -> chosen.test(from + row))
                                .toArray());
                first += batch.rows();
            }
        }
        return fitter.fitted();
    }

    private void read(Batch batch, int[] chosen) {
        rows += chosen.length;
        float[] numbers = new float[batch.rows()];
        samples.forEach((name, sample) -> {
            batch.numbers(schema.indexOf(name), numbers, 0, 1);
            for (int row : chosen) {
                sample.add(numbers[row]);
            }
        });
        vocabularies.forEach((name, vocabulary) -> {
            int column = schema.indexOf(name);
            for (int row : chosen) {
                if (!batch.missing(column, row)) {
                    vocabulary.add(RawColumns.text(batch, column, row));
                }
            }
        });
        words.forEach((name, vocabulary) -> {
            int column = schema.indexOf(name);
            for (int row : chosen) {
                if (!batch.missing(column, row)) {
                    WordBlock.terms(batch.text(column, row)).forEach(vocabulary::add);
                }
            }
        });
        vectors.forEach((name, moments) -> moments.add(batch, schema.indexOf(name), chosen));
        spans.forEach((name, span) -> {
            int column = schema.indexOf(name);
            for (int row : chosen) {
                if (!batch.missing(column, row)) {
                    span.add(batch.time(column, row));
                }
            }
        });
    }

    private FittedFeatures fitted() {
        List<VectorBlock.Slot> wide = new ArrayList<>();
        List<NumberBlock.Slot> numbers = new ArrayList<>();
        List<TextBlock.Slot> texts = new ArrayList<>();
        List<WordBlock.Slot> sentences = new ArrayList<>();
        Map<String, TimeBlock.Slot> times = new LinkedHashMap<>();
        for (Spec spec : specs) {
            if (spec instanceof Spec.Numeric number) {
                numbers.add(fit(number, of(samples, number.column())));
            } else if (spec instanceof Spec.Category category) {
                texts.add(fit(category));
            } else if (spec instanceof Spec.Words text) {
                sentences.add(fit(text));
            } else if (spec instanceof Spec.Text text) {
                wide.add(moments(text.vector()).encoded(text.vector()));
            } else if (spec instanceof Spec.Vector vector) {
                wide.add(moments(vector.column()).vector(vector.column()));
            } else if (spec instanceof Spec.Image image) {
                wide.add(moments(image.column()).image(image));
            } else if (spec instanceof Spec.Calendar calendar) {
                times.merge(calendar.column(), fit(calendar, of(spans, calendar.column())), FeatureFitter::joined);
            } else if (spec instanceof Spec.Cycle cycle) {
                numbers.add(new NumberBlock.Slot(
                        cycle.column(),
                        Float.NaN,
                        false,
                        Float.NaN,
                        List.of(),
                        NumberBlock.End.CYCLE,
                        0,
                        1,
                        List.of(),
                        cycle.period()));
            } else if (spec instanceof Spec.TimeCycle cycle) {
                times.merge(
                        cycle.column(),
                        new TimeBlock.Slot(
                                cycle.column(),
                                nullable(cycle),
                                List.of(),
                                false,
                                0,
                                0,
                                List.of(cycle.periodSeconds())),
                        FeatureFitter::joined);
            }
        }
        return new FittedFeatures(
                new VectorBlock(wide),
                new NumberBlock(numbers),
                new TextBlock(texts),
                new WordBlock(sentences),
                new TimeBlock(List.copyOf(times.values())),
                List.copyOf(notes),
                features);
    }

    private NumberBlock.Slot fit(Spec.Numeric spec, ColumnSample sample) {
        NumberSteps steps = new NumberSteps(spec.steps());
        float missingAt = steps.find(Transform.Kind.MISSING_AT)
                .map(step -> (float) step.first())
                .orElse(Float.NaN);
        boolean flagged = steps.find(Transform.Kind.MISSING_FLAG).isPresent();
        float[] present = sample.present(missingAt);
        note(spec.column(), present, sample.size());
        if (steps.find(Transform.Kind.BUCKETIZE).isPresent()) {
            for (int i = 0; i < present.length; i++) {
                present[i] = (float) steps.apply(present[i]);
            }
            int bins = (int) steps.find(Transform.Kind.BUCKETIZE).get().first();
            return new NumberBlock.Slot(
                    spec.column(),
                    missingAt,
                    flagged,
                    Float.NaN,
                    steps.middle(),
                    NumberBlock.End.BUCKETS,
                    0,
                    1,
                    ColumnSample.edges(present, bins),
                    0);
        }
        float fill = switch (steps.fill().kind()) {
            case IMPUTE -> (float) steps.fill().first();
            case IMPUTE_MEAN -> (float) ColumnSample.mean(present);
            default -> ColumnSample.median(present);
        };
        double[] moments = moments(steps, present, fill, sample.size() - present.length);
        boolean standardized = steps.find(Transform.Kind.STANDARDIZE).isPresent();
        return new NumberBlock.Slot(
                spec.column(),
                missingAt,
                flagged,
                fill,
                steps.middle(),
                standardized ? NumberBlock.End.STANDARDIZED : NumberBlock.End.NUMBER,
                (float) moments[0],
                (float) moments[1],
                List.of(),
                0);
    }

    private void note(String column, float[] present, int rows) {
        String name = "column \"" + column + "\" ";
        if (present.length == 0) {
            notes.add(name + "has no value in the training rows");
            return;
        }
        float low = present[0];
        float high = present[present.length - 1];
        float step = Math.ulp(Math.max(Math.abs(low), Math.abs(high)));
        boolean whole = step <= 1; // where single precision tells every whole number
        if (low == high && whole) {
            if (present.length == rows) {
                notes.add(name + "is " + low + " in every training row");
            }
        } else if (high - low < FEWEST_STEPS * step) {
            notes.add(name + "is from " + digits(low) + " to " + digits(high)
                    + ", where single precision, in which models compute,"
                    + " tells only steps of " + step + ": bring its difference from a fixed value");
        }
    }

    /** Not by {@link Float#toString(float)}, which has given other digits since Java 19. */
    private static String digits(float value) {
        return new BigDecimal(value, new MathContext(9)).stripTrailingZeros().toPlainString();
    }

    /** The mean after the steps, and one over the standard deviation, or 0 for a constant. */
    private static double[] moments(NumberSteps steps, float[] present, float fill, int missing) {
        double filled = steps.apply(fill);
        double sum = missing * filled;
        for (float value : present) {
            sum += steps.apply(value);
        }
        int count = present.length + missing;
        double mean = sum / count;
        double squares = missing * (filled - mean) * (filled - mean);
        for (float value : present) {
            double difference = steps.apply(value) - mean;
            squares += difference * difference;
        }
        double deviation = Math.sqrt(squares / count);
        // Below the resolution of a float around the mean there is only noise.
        boolean constant = deviation <= Math.abs(mean) * 1e-7 || deviation == 0;
        return new double[] {mean, constant ? 0 : 1 / deviation};
    }

    private TextBlock.Slot fit(Spec.Category spec) {
        Encoding encoding = spec.encoding();
        if (encoding.kind() == Encoding.Kind.HASHED) {
            return new TextBlock.Slot(spec.column(), encoding, List.of());
        }
        List<String> known = of(vocabularies, spec.column()).values(encoding.minCount(), encoding.limit());
        if (of(vocabularies, spec.column()).isEmpty()) {
            notes.add("column \"" + spec.column() + "\" has no value in the training rows");
        } else if (known.isEmpty()) {
            notes.add("column \"" + spec.column() + "\" has no value that is frequent enough for a vocabulary");
        } else if (of(vocabularies, spec.column()).count(known.get(0)) == rows) {
            notes.add("column \"" + spec.column() + "\" is \"" + known.get(0) + "\" in every training row");
        } else if (known.size() == encoding.limit()) {
            notes.add("the vocabulary of column \"" + spec.column() + "\" is full with " + known.size()
                    + " values; rarer ones share an id");
        }
        return new TextBlock.Slot(spec.column(), encoding, known);
    }

    private WordBlock.Slot fit(Spec.Words spec) {
        WordBlock.Slot slot = WordBlock.fit(spec.column(), of(words, spec.column()), rows);
        if (slot.terms().isEmpty()) {
            throw new TrainingException(
                    "the feature " + spec.describe() + " was not fitted",
                    "no word is in " + WordBlock.MIN_ROWS + " of the training rows or more",
                    "bring more rows, or leave the column out");
        }
        if (slot.terms().size() == WordBlock.LIMIT) {
            notes.add("of the words of column \"" + spec.column() + "\" the " + WordBlock.LIMIT
                    + " most frequent are known");
        }
        return slot;
    }

    private VectorMoments moments(String column) {
        VectorMoments moments = of(vectors, column);
        if (moments.empty()) {
            notes.add("column \"" + column + "\" has no value in the training rows");
        }
        return moments;
    }

    private TimeBlock.Slot fit(Spec.Calendar spec, TimeSpan span) {
        if (span.empty()) {
            notes.add("column \"" + spec.column() + "\" has no value in the training rows");
        }
        List<CalendarPart> parts = spec.parts().isEmpty() ? span.usefulParts() : spec.parts();
        return new TimeBlock.Slot(
                spec.column(),
                nullable(spec),
                ids(parts),
                parts.contains(CalendarPart.YEAR),
                span.meanYear(),
                span.yearScale(),
                List.of());
    }

    /** The parts that give ids, in the order of their declaration. */
    private static List<CalendarPart> ids(List<CalendarPart> parts) {
        return parts.stream().filter(part -> part != CalendarPart.YEAR).sorted().toList();
    }

    /** Two features of one time column share its nodes. */
    private static TimeBlock.Slot joined(TimeBlock.Slot a, TimeBlock.Slot b) {
        List<CalendarPart> parts = new ArrayList<>(a.parts());
        b.parts().stream().filter(part -> !a.parts().contains(part)).forEach(parts::add);
        List<Long> periods = new ArrayList<>(a.periods());
        periods.addAll(b.periods());
        TimeBlock.Slot year = a.year() ? a : b;
        return new TimeBlock.Slot(
                a.column(),
                a.nullable(),
                ids(parts),
                year.year(),
                year.meanYear(),
                year.yearScale(),
                List.copyOf(periods));
    }

    private boolean nullable(Spec spec) {
        return schema.column(schema.indexOf(spec.column())).nullable();
    }

    private static <V> V of(Map<String, V> map, String column) {
        return Objects.requireNonNull(map.get(column), column);
    }
}
