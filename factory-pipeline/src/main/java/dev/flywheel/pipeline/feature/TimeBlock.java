package dev.flywheel.pipeline.feature;

import dev.flywheel.core.model.ElementType;
import dev.flywheel.core.model.Signature;
import dev.flywheel.pipeline.onnx.OnnxGraph;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import java.util.function.ToLongFunction;

/**
 * All fitted calendar features, as 64-bit integer arithmetic on seconds since 1970-01-01T00:00:00Z. Exact for the years
 * -38,000 to 38,000. Immutable.
 *
 * <p>Days become dates as in Howard Hinnant's <em>chrono-Compatible Low-Level Date Algorithms</em> (civil_from_days):
 * years begin in March, so that the leap day is the last of its year, and eras of 400 years repeat. Here the three
 * missing leap days of an era are put back first, which leaves a plain cycle of 1,461 days, and a table of that cycle
 * gives month, day and year at once. Tables also hold the ids' offsets and the ids of a missing time: operators that
 * combine a column with one number are several times faster than those that combine it with a row of them.
 */
final class TimeBlock {

    private static final long ERA_SECONDS = 146_097L * 86_400;

    /** From 0000-03-01, where an era begins, to 1970-01-01, and a hundred eras more, so that no division rounds up. */
    private static final long SHIFT_SECONDS = 719_468L * 86_400 + 100 * ERA_SECONDS;

    private static final int CYCLE_DAYS = 1_461;
    private static final LocalDate CYCLE_START = LocalDate.of(2000, 3, 1);

    /** What stands for a missing time. */
    static final long MISSING = Long.MIN_VALUE;

    /**
     * The fitted features of one column.
     *
     * @param column the raw column
     * @param nullable whether a time may be missing
     * @param parts the parts that give ids, in the order of their declaration
     * @param year whether the year is a feature
     * @param meanYear the mean of the year in training
     * @param yearScale one over its standard deviation, or 0
     * @param periods the lengths in seconds of cycles
     */
    record Slot(
            String column,
            boolean nullable,
            List<CalendarPart> parts,
            boolean year,
            float meanYear,
            float yearScale,
            List<Long> periods) {}

    private final List<Slot> slots;

    TimeBlock(List<Slot> slots) {
        this.slots = List.copyOf(slots);
    }

    List<Slot> slots() {
        return slots;
    }

    /** The columns of the input, in order. */
    List<String> raw() {
        return slots.stream().map(Slot::column).toList();
    }

    void emit(Emission out) {
        if (slots.isEmpty()) {
            return;
        }
        String times = out.graph().input(Signature.TIMES, ElementType.INT64, slots.size());
        List<String> columns = out.split(times, slots.stream().map(slot -> 1).toList());
        for (int i = 0; i < columns.size(); i++) {
            new Column(out, slots.get(i), columns.get(i)).emit();
        }
    }

    /** One column being emitted. */
    private static final class Column {

        private final Emission out;
        private final OnnxGraph graph;
        private final Slot slot;
        private final String seconds;
        private final String missing;

        Column(Emission out, Slot slot, String seconds) {
            this.out = out;
            this.graph = out.graph();
            this.slot = slot;
            this.seconds = seconds;
            this.missing = slot.nullable() ? graph.node("Equal", seconds, one(MISSING)) : "";
        }

        void emit() {
            List<CalendarPart> periodic = parts(CalendarPart::periodic);
            if (!periodic.isEmpty()) {
                periodic(periodic);
            }
            List<CalendarPart> dates = parts(part -> !part.periodic());
            if (!dates.isEmpty() || slot.year()) {
                dates(dates);
            }
            if (!slot.periods().isEmpty()) {
                cycles();
            }
        }

        private List<CalendarPart> parts(Predicate<CalendarPart> chosen) {
            return slot.parts().stream().filter(chosen).toList();
        }

        /** One table over the longest period in steps of the shortest unit: both are multiples of all the others. */
        private void periodic(List<CalendarPart> parts) {
            long period =
                    parts.stream().mapToLong(CalendarPart::periodSeconds).max().orElseThrow();
            long unit =
                    parts.stream().mapToLong(CalendarPart::unitSeconds).min().orElseThrow();
            String place = graph.node("Div", graph.node("Mod", seconds, one(period)), one(unit));
            ids(
                    place,
                    (int) (period / unit),
                    parts,
                    (part, entry) -> (entry * unit + part.offsetSeconds()) % part.periodSeconds() / part.unitSeconds());
        }

        private void dates(List<CalendarPart> parts) {
            String shifted = graph.node("Add", seconds, one(SHIFT_SECONDS));
            String day = graph.node("Div", graph.node("Mod", shifted, one(ERA_SECONDS)), one(86_400));
            String century = graph.node("Min", graph.node("Div", day, one(36_524)), one(3));
            String julianDay = graph.node("Add", day, century);
            String dayOfCycle = graph.node("Mod", julianDay, one(CYCLE_DAYS));
            List<CalendarPart> plain = parts.stream()
                    .filter(part -> part != CalendarPart.DAY_OF_YEAR)
                    .toList();
            if (!plain.isEmpty()) {
                ids(dayOfCycle, CYCLE_DAYS, plain, (part, entry) -> valueOf(part, CYCLE_START.plusDays(entry)));
            }
            if (plain.size() < parts.size()) {
                dayOfYear(dayOfCycle, day, century);
            }
            if (slot.year()) {
                year(shifted, julianDay, dayOfCycle);
            }
        }

        /** What a part is at an entry of a table. */
        private interface Entry {
            long of(CalendarPart part, long entry);
        }

        /** The ids of all parts out of one table, whose last entry is for a missing time. */
        private void ids(String place, int entries, List<CalendarPart> parts, Entry value) {
            int width = parts.size();
            long[] table = new long[(entries + 1) * width];
            for (int i = 0; i < width; i++) {
                CalendarPart part = parts.get(i);
                long first = reserve(part);
                for (int entry = 0; entry < entries; entry++) {
                    table[entry * width + i] = first + value.of(part, entry);
                }
                table[entries * width + i] = first + part.cardinality();
            }
            String safe = slot.nullable() ? graph.node("Where", missing, one(entries), place) : place;
            if (width == 1) {
                out.ids(graph.node("Gather", graph.longs(table, table.length), safe));
            } else {
                String found = graph.node("Gather", graph.longs(table, entries + 1L, width), safe);
                out.ids(graph.node("Reshape", found, graph.longs(new long[] {-1, width}, 2)));
            }
        }

        private long reserve(CalendarPart part) {
            String name = slot.column() + " " + part.name().toLowerCase(java.util.Locale.ROOT);
            return out.reserve(name, part.cardinality() + 1);
        }

        private static long valueOf(CalendarPart part, LocalDate date) {
            return switch (part) {
                case DAY_OF_MONTH -> date.getDayOfMonth() - 1;
                case MONTH -> date.getMonthValue() - 1;
                case DAY_OF_YEAR -> date.getDayOfYear() - 1;
                default -> throw new IllegalArgumentException(part + " is not read from the calendar's cycle");
            };
        }

        /** From March to December of 1900, 2100 and the like, one day fewer has passed than the cycle says. */
        private void dayOfYear(String dayOfCycle, String day, String century) {
            long first = reserve(CalendarPart.DAY_OF_YEAR);
            String cycleId = look(dayOfCycle, date -> first + valueOf(CalendarPart.DAY_OF_YEAR, date));
            String dayOfCentury = graph.node("Sub", day, graph.node("Mul", century, one(36_524)));
            String beforeJanuary =
                    graph.node(OnnxGraph.ONNX, "Cast", Map.of("to", 7L), graph.node("Less", dayOfCentury, one(306)));
            String common = graph.node("Min", century, one(1));
            String id = graph.node("Sub", cycleId, graph.node("Mul", beforeJanuary, common));
            long none = first + CalendarPart.DAY_OF_YEAR.cardinality();
            out.ids(slot.nullable() ? graph.node("Where", missing, one(none), id) : id);
        }

        private void year(String shifted, String julianDay, String dayOfCycle) {
            String eras = graph.node("Mul", graph.node("Div", shifted, one(ERA_SECONDS)), one(400));
            String cycles = graph.node("Mul", graph.node("Div", julianDay, one(CYCLE_DAYS)), one(4));
            String rest = look(dayOfCycle, date -> date.getYear() - 2000 - 40_000);
            String year = graph.node("Add", graph.node("Add", eras, cycles), rest);
            String number = graph.node(OnnxGraph.ONNX, "Cast", Map.of("to", 1L), year);
            if (slot.nullable()) {
                number = graph.node("Where", missing, graph.floats(new float[] {slot.meanYear()}), number);
            }
            out.standardized(number, List.of(slot.column() + " year"), new float[] {slot.meanYear()}, new float[] {
                slot.yearScale()
            });
        }

        private String look(String dayOfCycle, ToLongFunction<LocalDate> value) {
            long[] table = new long[CYCLE_DAYS];
            for (int day = 0; day < table.length; day++) {
                table[day] = value.applyAsLong(CYCLE_START.plusDays(day));
            }
            return graph.node("Gather", graph.longs(table, table.length), dayOfCycle);
        }

        private void cycles() {
            long[] periods = slot.periods().stream().mapToLong(Long::longValue).toArray();
            float[] turns = new float[periods.length];
            for (int i = 0; i < turns.length; i++) {
                turns[i] = (float) (2 * Math.PI / periods[i]);
            }
            String within = graph.node("Mod", seconds, out.row(periods));
            String angle =
                    graph.node("Mul", graph.node(OnnxGraph.ONNX, "Cast", Map.of("to", 1L), within), out.row(turns));
            String both = out.concat(List.of(graph.node("Sin", angle), graph.node("Cos", angle)));
            if (slot.nullable()) {
                both = graph.node("Where", missing, graph.floats(new float[] {0}), both);
            }
            out.plain(
                    both,
                    NumberBlock.cycleNames(slot.periods().stream()
                            .map(period -> slot.column() + " in " + java.time.Duration.ofSeconds(period))
                            .toList()));
        }

        private String one(long value) {
            return graph.longs(new long[] {value});
        }
    }

    /** One line for each column: what was learned. */
    Map<String, String> describe() {
        Map<String, String> lines = new LinkedHashMap<>();
        for (Slot slot : slots) {
            List<String> words = new ArrayList<>();
            slot.parts().forEach(part -> words.add(part.name().toLowerCase(java.util.Locale.ROOT)));
            if (slot.year()) {
                words.add("year (x - " + slot.meanYear() + ") * " + slot.yearScale());
            }
            slot.periods().forEach(period -> words.add("cycle of " + java.time.Duration.ofSeconds(period)));
            lines.put(slot.column(), String.join(", ", words));
        }
        return lines;
    }
}
