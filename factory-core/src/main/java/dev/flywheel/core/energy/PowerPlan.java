package dev.flywheel.core.energy;

import dev.flywheel.core.DataException;
import java.io.Serializable;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.Objects;

/**
 * When work is done that may wait: in the cheapest of the slots that a forecast tells, before a deadline. The deadline
 * beats the price: once no more time is left than is needed, or nothing is known of the time to come, it runs.
 * Immutable.
 *
 * <pre>{@code PowerPlan.of(Forecast.csv(prices), Duration.ofHours(2), Duration.ofHours(12))}</pre>
 *
 * The slots are chosen by dynamic programming over (slots left, slots needed, running), which finds the least sum of
 * kilowatts x hours x (price + carbon price x grams) + what each start costs.
 */
public final class PowerPlan implements Serializable {

    private static final long serialVersionUID = 1L;

    /** A slot of a forecast is cut into so many steps, so that work can begin within it. */
    private static final int STEPS_OF_A_SLOT = 12;

    private static final Duration LEAST_STEP = Duration.ofMinutes(1);

    /** With more, choosing takes more than some milliseconds and megabytes. */
    private static final int MOST_STEPS = 2000;

    private final Forecast forecast;
    private final Duration needs;
    private final Duration within;
    private final double carbonPrice;
    private final double startCost;
    private final double kilowatts;

    private PowerPlan(
            Forecast forecast,
            Duration needs,
            Duration within,
            double carbonPrice,
            double startCost,
            double kilowatts) {
        this.forecast = forecast;
        this.needs = needs;
        this.within = within;
        this.carbonPrice = carbonPrice;
        this.startCost = startCost;
        this.kilowatts = kilowatts;
    }

    /**
     * {@return a plan by the price alone, with starts that cost nothing}
     *
     * @param forecast what power costs
     * @param needs how long the work takes, above 0
     * @param within until when it must be done, from when it is first wanted, above 0
     */
    public static PowerPlan of(Forecast forecast, Duration needs, Duration within) {
        return new PowerPlan(
                Objects.requireNonNull(forecast, "forecast"),
                positive("needs", needs),
                positive("within", within),
                0,
                0,
                1);
    }

    /**
     * {@return this plan with a price of carbon dioxide, beside that of power}
     *
     * @param perGram what a gram costs, in the currency of the forecast, at least 0; 1 where the forecast tells no
     *     price
     */
    public PowerPlan carbonPrice(double perGram) {
        return new PowerPlan(forecast, needs, within, atLeastZero("carbonPrice", perGram), startCost, kilowatts);
    }

    /**
     * {@return this plan with a price of each start, the first one too, so that work is not cut for a trifle}
     *
     * @param cost what a start costs, in the currency of the forecast, at least 0
     * @param power what the work draws, in kilowatts, at least 0
     */
    public PowerPlan startCost(double cost, double power) {
        return new PowerPlan(
                forecast, needs, within, carbonPrice, atLeastZero("startCost", cost), atLeastZero("startCost", power));
    }

    /** {@return how long the work takes} */
    public Duration needs() {
        return needs;
    }

    /** {@return until when the work must be done, from when it is first wanted} */
    public Duration within() {
        return within;
    }

    /**
     * When work is done.
     *
     * @param at when it was chosen
     * @param runs the times in which it is done, in order; what lies side by side is one
     * @param rate the mean price of a kilowatt-hour in these, with that of carbon; NaN if no forecast tells it
     * @param rateNow the same if it were done at once, without a break; NaN if no forecast tells it
     */
    public record Schedule(Instant at, List<Span> runs, double rate, double rateNow) {

        /** Copies the list. */
        public Schedule {
            runs = List.copyOf(runs);
        }

        /** {@return whether it is done now} */
        public boolean runsNow() {
            return !runs.isEmpty() && !runs.get(0).from.isAfter(at);
        }
    }

    /**
     * A time.
     *
     * @param from its begin
     * @param until its end
     */
    public record Span(Instant from, Instant until) {}

    /**
     * {@return when the work is done, by what is known now} Asked again with a newer forecast, it plans what is left
     * anew.
     *
     * @param now the moment
     * @param wanted when the work was first wanted
     * @param done how much of it is done
     * @param running whether it runs now, so that to go on is no start
     * @throws RuntimeException what the forecast throws
     */
    public Schedule schedule(Instant now, Instant wanted, Duration done, boolean running) {
        Duration left = needs.minus(done);
        if (left.isNegative() || left.isZero()) {
            left = LEAST_STEP; // it takes longer than was thought
        }
        Instant deadline = wanted.plus(within);
        if (!now.plus(left).isBefore(deadline)) {
            return atOnce(now, left);
        }
        List<Forecast.Slot> slots = forecast.slots(now, deadline);
        requireEachTimeOnce(slots);
        Instant known = slots.isEmpty() ? now : slots.get(slots.size() - 1).until();
        Instant end = known.isBefore(deadline) ? known : deadline;
        if (!now.plus(left).isBefore(end)) {
            return atOnce(now, left);
        }
        Duration step = step(slots, Duration.between(now, end));
        int needed = (int) -Math.floorDiv(-left.toNanos(), step.toNanos());
        // steps begin where slots do, so that the first one may have begun; what nobody tells comes before
        Instant origin = slots.isEmpty() || slots.get(0).from().isAfter(now)
                ? now
                : slots.get(0).from();
        Instant first =
                origin.plus(step.multipliedBy(Duration.between(origin, now).dividedBy(step)));
        double[] rates = rates(slots, first, end, step);
        if (Arrays.stream(rates).filter(Double::isFinite).count() <= needed) {
            return atOnce(now, left);
        }
        double hours = step.toNanos() / 3.6e12;
        double[] costs =
                Arrays.stream(rates).map(rate -> kilowatts * hours * rate).toArray();
        BitSet chosen = cheapest(costs, needed, startCost, running);
        List<Span> runs = new ArrayList<>();
        for (int from = chosen.nextSetBit(0); from >= 0; ) {
            int until = chosen.nextClearBit(from);
            Instant begin = first.plus(step.multipliedBy(from));
            runs.add(new Span(begin.isBefore(now) ? now : begin, first.plus(step.multipliedBy(until))));
            from = chosen.nextSetBit(until);
        }
        double rate = chosen.stream().mapToDouble(i -> rates[i]).average().orElse(Double.NaN);
        double rateNow = Arrays.stream(rates).limit(needed).average().orElse(Double.NaN);
        return new Schedule(now, runs, rate, Double.isFinite(rateNow) ? rateNow : Double.NaN);
    }

    private static Schedule atOnce(Instant now, Duration left) {
        return new Schedule(now, List.of(new Span(now, now.plus(left))), Double.NaN, Double.NaN);
    }

    private static void requireEachTimeOnce(List<Forecast.Slot> slots) {
        for (int i = 1; i < slots.size(); i++) {
            Forecast.Slot before = slots.get(i - 1);
            Forecast.Slot slot = slots.get(i);
            if (slot.from().isBefore(before.until())) {
                throw new DataException(
                        "a forecast tells two prices for one time",
                        "a slot from " + slot.from() + " begins before that from " + before.from() + " ends at "
                                + before.until(),
                        "tell each time once, in order");
            }
        }
    }

    private static Duration step(List<Forecast.Slot> slots, Duration time) {
        Duration shortest = slots.stream()
                .map(slot -> Duration.between(slot.from(), slot.until()))
                .min(Duration::compareTo)
                .orElse(LEAST_STEP);
        Duration step = shortest.dividedBy(STEPS_OF_A_SLOT);
        Duration coarsest = time.dividedBy(MOST_STEPS).plusNanos(1);
        step = step.compareTo(LEAST_STEP) < 0 ? LEAST_STEP : step;
        return step.compareTo(coarsest) < 0 ? coarsest : step;
    }

    /** What a kilowatt-hour costs in each step; infinite where some of it is not known. */
    private double[] rates(List<Forecast.Slot> slots, Instant first, Instant last, Duration step) {
        int count = (int) (Duration.between(first, last).toNanos() / step.toNanos());
        double[] rates = new double[count];
        double whole = step.toNanos();
        for (int i = 0; i < count; i++) {
            Instant from = first.plus(step.multipliedBy(i));
            Instant until = from.plus(step);
            long covered = 0;
            for (Forecast.Slot slot : slots) {
                Instant begin = slot.from().isBefore(from) ? from : slot.from();
                Instant end = slot.until().isAfter(until) ? until : slot.until();
                if (begin.isBefore(end)) {
                    long part = Duration.between(begin, end).toNanos();
                    covered += part;
                    rates[i] += part / whole * (slot.price() + carbonPrice * slot.grams());
                }
            }
            if (covered < step.toNanos()) {
                rates[i] = Double.POSITIVE_INFINITY;
            }
        }
        return rates;
    }

    /**
     * {@return the steps in which to run: so many, at the least sum of their costs and of the starts} Of equal choices
     * it is that with the fewest starts, and of these the earliest.
     *
     * @param costs what each step costs; infinite where it cannot be taken
     * @param needed how many to take, not more than can be
     * @param startCost what it costs to run in a step without running in the one before
     * @param running whether it runs before the first
     */
    static BitSet cheapest(double[] costs, int needed, double startCost, boolean running) {
        int steps = costs.length;
        double rounding = 1e-12
                * Arrays.stream(costs).filter(Double::isFinite).map(Math::abs).sum();
        // least[r][k]: what the steps from here on cost if k are still needed, and it runs (1) or not (0) before;
        // starts[r][k]: with how many starts
        double[][] least = new double[2][needed + 1];
        int[][] starts = new int[2][needed + 1];
        for (double[] row : least) {
            Arrays.fill(row, 1, needed + 1, Double.POSITIVE_INFINITY);
        }
        BitSet[] run = {new BitSet(steps * (needed + 1)), new BitSet(steps * (needed + 1))};
        for (int step = steps - 1; step >= 0; step--) {
            double[][] next = least;
            int[][] nextStarts = starts;
            least = new double[2][needed + 1];
            starts = new int[2][needed + 1];
            for (int before = 0; before < 2; before++) {
                int start = 1 - before;
                for (int k = 1; k <= needed; k++) {
                    double taken = costs[step] + start * startCost + next[1][k - 1];
                    double left = next[0][k];
                    boolean equal = Math.abs(taken - left) <= rounding;
                    boolean take = Double.isFinite(taken)
                            && (equal ? start + nextStarts[1][k - 1] <= nextStarts[0][k] : taken < left);
                    least[before][k] = take ? taken : left;
                    starts[before][k] = take ? start + nextStarts[1][k - 1] : nextStarts[0][k];
                    run[before].set(step * (needed + 1) + k, take);
                }
            }
        }
        BitSet chosen = new BitSet(steps);
        int before = running ? 1 : 0;
        int k = needed;
        for (int step = 0; step < steps; step++) {
            boolean taken = run[before].get(step * (needed + 1) + k);
            before = taken ? 1 : 0;
            k -= before;
            chosen.set(step, taken);
        }
        return chosen;
    }

    /** {@return the plan in words} */
    @Override
    public String toString() {
        return needs + " within " + within
                + (carbonPrice == 0 ? "" : ", carbon at " + carbonPrice + " a gram")
                + (startCost == 0 ? "" : ", starts at " + startCost + " with " + kilowatts + " kW");
    }

    private static Duration positive(String option, Duration value) {
        if (Objects.requireNonNull(value, option).isNegative() || value.isZero()) {
            throw new IllegalArgumentException(
                    "PowerPlan." + option + " is invalid: found " + value + ", expected above zero");
        }
        return value;
    }

    private static double atLeastZero(String option, double value) {
        if (!(value >= 0) || Double.isInfinite(value)) {
            throw new IllegalArgumentException(
                    "PowerPlan." + option + " is invalid: found " + value + ", expected at least 0");
        }
        return value;
    }
}
