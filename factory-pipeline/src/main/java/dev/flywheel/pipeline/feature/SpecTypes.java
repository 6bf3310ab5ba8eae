package dev.flywheel.pipeline.feature;

import dev.flywheel.core.data.Column;
import dev.flywheel.core.data.ColumnType;
import dev.flywheel.core.data.Schema;
import dev.flywheel.core.model.Signature;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;

/** Which features fit which types of column. */
final class SpecTypes {

    private static final Set<ColumnType> NUMERIC =
            EnumSet.of(ColumnType.NUMBER, ColumnType.INTEGER, ColumnType.BOOLEAN);
    private static final Set<ColumnType> CATEGORIES =
            EnumSet.of(ColumnType.TEXT, ColumnType.INTEGER, ColumnType.BOOLEAN);

    /** A vector is an input of the model under its own name, beside these. */
    private static final Set<String> TENSORS = Set.of(
            Signature.NUMBERS,
            Signature.TEXTS,
            Signature.TIMES,
            Signature.PREDICTION,
            FittedFeatures.NUMBERS,
            FittedFeatures.IDS,
            "task");

    private SpecTypes() {}

    /** @throws IllegalArgumentException if the column is absent or of another type */
    static void check(Spec spec, Schema schema) {
        if (spec.column().startsWith("$")) {
            throw new IllegalArgumentException(
                    "feature " + spec.describe() + " reads a column that is not an input: names with $ are reserved");
        }
        Column column = schema.column(schema.indexOf(spec.column()));
        ColumnType type = column.type();
        Set<ColumnType> taken = taken(spec);
        if (!taken.contains(type)) {
            throw new IllegalArgumentException("feature " + spec.describe() + " takes a column of type " + taken
                    + ", but \"" + spec.column() + "\" is of type " + type + "; " + advice(type));
        }
        if (type == ColumnType.VECTOR && TENSORS.contains(spec.column())) {
            throw new IllegalArgumentException("feature " + spec.describe()
                    + " reads a vector whose name models need for themselves: rename the column");
        }
        if (spec instanceof Spec.Image image
                && (long) image.channels() * image.height() * image.width() != column.length()) {
            throw new IllegalArgumentException("feature " + spec.describe() + " takes "
                    + (long) image.channels() * image.height() * image.width() + " numbers, but vectors of \""
                    + spec.column() + "\" have " + column.length());
        }
    }

    private static Set<ColumnType> taken(Spec spec) {
        if (spec instanceof Spec.Numeric || spec instanceof Spec.Cycle) {
            return NUMERIC;
        }
        if (spec instanceof Spec.Words || spec instanceof Spec.Text) {
            return EnumSet.of(ColumnType.TEXT);
        }
        if (spec instanceof Spec.Vector || spec instanceof Spec.Image) {
            return EnumSet.of(ColumnType.VECTOR);
        }
        return spec instanceof Spec.Category ? CATEGORIES : EnumSet.of(ColumnType.TIME);
    }

    private static String advice(ColumnType type) {
        return switch (type) {
            case NUMBER -> "use number, cyclic, or number with bucketize";
            case INTEGER, BOOLEAN -> "use number or category";
            case TEXT -> "use category, or words or text for whole sentences";
            case TIME -> "use calendar or cyclic with a Duration";
            case VECTOR -> "use vector or image";
        };
    }

    /** What a column becomes where nobody says. The parts of a time depend on the span of the training rows. */
    static Spec automatic(Column column) {
        return switch (column.type()) {
            case NUMBER, INTEGER, BOOLEAN ->
                new Spec.Numeric(column.name(), List.of(Transform.impute(), Transform.standardize()));
            case TEXT -> new Spec.Category(column.name(), Encoding.vocabulary());
            case TIME -> new Spec.Calendar(column.name(), List.of());
            case VECTOR -> new Spec.Vector(column.name());
        };
    }
}
