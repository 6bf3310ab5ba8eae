package dev.flywheel.pipeline.feature;

import dev.flywheel.core.ModelFormatException;
import dev.flywheel.core.io.Json;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Fitted features as JSON holds them. Immutable.
 *
 * @param format the version of this format
 * @param vectors the features over vectors; null where an earlier release wrote it
 * @param numbers the features over numbers
 * @param texts the features over categories
 * @param words the features over whole sentences; null where an earlier release wrote it
 * @param times the features over times
 * @param notes what was worth knowing about the training rows
 */
record FeatureState(
        int format,
        @Nullable List<VectorBlock.Slot> vectors,
        List<Numeric> numbers,
        List<Category> texts,
        @Nullable List<WordBlock.Slot> words,
        List<TimeBlock.Slot> times,
        List<String> notes) {

    private static final int FORMAT = 1;

    /** A {@link Transform}. */
    record Step(Transform.Kind kind, double first, double second) {}

    /** A {@link NumberBlock.Slot}. */
    record Numeric(
            String column,
            float missingAt,
            boolean flagged,
            float fill,
            List<Step> steps,
            NumberBlock.End end,
            float mean,
            float scale,
            List<Float> edges,
            double period) {}

    /** A {@link TextBlock.Slot}. */
    record Category(String column, Encoding.Kind kind, int minCount, int limit, List<String> vocabulary) {}

    static byte[] write(
            List<VectorBlock.Slot> vectors,
            List<NumberBlock.Slot> numbers,
            List<TextBlock.Slot> texts,
            List<WordBlock.Slot> words,
            List<TimeBlock.Slot> times,
            List<String> notes) {
        return Json.write(new FeatureState(
                FORMAT,
                vectors,
                numbers.stream().map(FeatureState::number).toList(),
                texts.stream().map(FeatureState::text).toList(),
                words,
                times,
                notes));
    }

    static FittedFeatures read(byte[] json, String source) {
        FeatureState state = Json.readKnown(json, FeatureState.class, source);
        if (state.format != FORMAT) {
            throw new ModelFormatException(
                    "the features in " + source,
                    "their format is " + state.format + ", this library reads format " + FORMAT,
                    "upgrade the library");
        }
        return new FittedFeatures(
                new VectorBlock(state.vectors == null ? List.of() : state.vectors),
                new NumberBlock(state.numbers.stream().map(FeatureState::slot).toList()),
                new TextBlock(state.texts.stream().map(FeatureState::slot).toList()),
                new WordBlock(state.words == null ? List.of() : state.words),
                new TimeBlock(state.times),
                List.copyOf(state.notes),
                null);
    }

    private static Numeric number(NumberBlock.Slot slot) {
        return new Numeric(
                slot.column(),
                slot.missingAt(),
                slot.flagged(),
                slot.fill(),
                slot.steps().stream()
                        .map(step -> new Step(step.kind(), step.first(), step.second()))
                        .toList(),
                slot.end(),
                slot.mean(),
                slot.scale(),
                slot.edges(),
                slot.period());
    }

    private static NumberBlock.Slot slot(Numeric number) {
        return new NumberBlock.Slot(
                number.column,
                number.missingAt,
                number.flagged,
                number.fill,
                number.steps.stream()
                        .map(step -> Transform.of(step.kind, step.first, step.second))
                        .toList(),
                number.end,
                number.mean,
                number.scale,
                number.edges,
                number.period);
    }

    private static Category text(TextBlock.Slot slot) {
        Encoding encoding = slot.encoding();
        return new Category(slot.column(), encoding.kind(), encoding.minCount(), encoding.limit(), slot.vocabulary());
    }

    private static TextBlock.Slot slot(Category text) {
        return new TextBlock.Slot(text.column, Encoding.of(text.kind, text.minCount, text.limit), text.vocabulary);
    }
}
