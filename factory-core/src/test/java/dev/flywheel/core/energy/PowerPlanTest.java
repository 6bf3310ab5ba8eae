package dev.flywheel.core.energy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.flywheel.core.DataException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PowerPlanTest {

    private static final Instant MIDNIGHT = Instant.parse("2026-01-31T00:00:00Z");

    private static Instant hour(double hours) {
        return MIDNIGHT.plusNanos(Math.round(hours * 3.6e12));
    }

    private static List<Forecast.Slot> hourly(double... prices) {
        return IntStream.range(0, prices.length)
                .mapToObj(i -> new Forecast.Slot(hour(i), hour(i + 1.0), prices[i], 0))
                .toList();
    }

    private static PowerPlan plan(int hours, int within, double... prices) {
        return PowerPlan.of((from, until) -> hourly(prices), Duration.ofHours(hours), Duration.ofHours(within));
    }

    private static PowerPlan.Span span(double from, double until) {
        return new PowerPlan.Span(hour(from), hour(until));
    }

    @Test
    void cheapestStepsAreThoseThatBruteForceFinds() {
        Random random = new Random(20);
        for (int trial = 0; trial < 300; trial++) {
            int steps = 1 + random.nextInt(12);
            int needed = 1 + random.nextInt(steps);
            double startCost = random.nextInt(3) == 0 ? 0 : random.nextInt(200);
            boolean running = random.nextBoolean();
            double[] costs = IntStream.range(0, steps)
                    .mapToDouble(i -> random.nextInt(220) - 20)
                    .toArray();
            double least = Double.POSITIVE_INFINITY;
            for (long mask = 0; mask < 1L << steps; mask++) {
                if (Long.bitCount(mask) == needed) {
                    least = Math.min(least, cost(BitSet.valueOf(new long[] {mask}), costs, startCost, running));
                }
            }
            BitSet chosen = PowerPlan.cheapest(costs, needed, startCost, running);
            assertThat(chosen.cardinality()).isEqualTo(needed);
            assertThat(cost(chosen, costs, startCost, running)).isEqualTo(least);
        }
    }

    private static double cost(BitSet chosen, double[] costs, double startCost, boolean running) {
        double sum = 0;
        boolean before = running;
        for (int i = 0; i < costs.length; i++) {
            sum += chosen.get(i) ? costs[i] + (before ? 0 : startCost) : 0;
            before = chosen.get(i);
        }
        return sum;
    }

    @Test
    void ofEqualChoicesTheOneWithTheFewestStartsIsTakenThenTheEarliest() {
        assertThat(PowerPlan.cheapest(new double[] {1, 2, 2, 1, 1}, 2, 0, false))
                .isEqualTo(bits(3, 4));
        assertThat(PowerPlan.cheapest(new double[] {1, 2, 2, 1, 2}, 2, 0, true)).isEqualTo(bits(0, 3));
        assertThat(PowerPlan.cheapest(new double[] {2, 1, 1, 1}, 2, 0, false)).isEqualTo(bits(1, 2));
    }

    @Test
    void stepsThatCannotBeTakenAreNot() {
        double never = Double.POSITIVE_INFINITY;
        assertThat(PowerPlan.cheapest(new double[] {never, 5, never, 9, 1}, 2, 0, false))
                .isEqualTo(bits(1, 4));
    }

    private static BitSet bits(int... set) {
        BitSet bits = new BitSet();
        IntStream.of(set).forEach(bits::set);
        return bits;
    }

    @Test
    void workIsCutForCheaperHoursUnlessAStartCostsMoreThanThatSaves() {
        PowerPlan free = plan(2, 6, 9, 1, 9, 9, 1, 9);
        assertThat(free.schedule(MIDNIGHT, MIDNIGHT, Duration.ZERO, false).runs())
                .containsExactly(span(1, 2), span(4, 5));
        PowerPlan dear = free.startCost(100, 10);
        assertThat(dear.schedule(MIDNIGHT, MIDNIGHT, Duration.ZERO, false).runs())
                .containsExactly(span(0, 2));
        assertThat(free.startCost(70, 10)
                        .schedule(MIDNIGHT, MIDNIGHT, Duration.ZERO, false)
                        .runs())
                .containsExactly(span(1, 2), span(4, 5));
    }

    @Test
    void workThatRunsGoesOnWhereANewStartCostsMore() {
        PowerPlan plan = plan(1, 6, 5, 2, 5, 5, 5, 5).startCost(4, 1);
        assertThat(plan.schedule(MIDNIGHT, MIDNIGHT, Duration.ZERO, true).runsNow())
                .isTrue();
        assertThat(plan.schedule(MIDNIGHT, MIDNIGHT, Duration.ZERO, false).runs())
                .containsExactly(span(1, 2));
    }

    @Test
    void whatHasBeenRunCountsWhenANewerForecastComes() {
        List<Forecast.Slot> known = new ArrayList<>(hourly(1, 9, 9, 2, 9, 9));
        PowerPlan plan = PowerPlan.of((from, until) -> List.copyOf(known), Duration.ofHours(2), Duration.ofHours(6));
        PowerPlan.Schedule first = plan.schedule(MIDNIGHT, MIDNIGHT, Duration.ZERO, false);
        assertThat(first.runs()).containsExactly(span(0, 1), span(3, 4));
        assertThat(first.rate()).isCloseTo(1.5, within(1e-9));
        assertThat(first.rateNow()).isCloseTo(5, within(1e-9));
        known.set(4, new Forecast.Slot(hour(4), hour(5), 0, 0));
        assertThat(plan.schedule(hour(1), MIDNIGHT, Duration.ofHours(1), true).runs())
                .containsExactly(span(4, 5));
    }

    @Test
    void deadlineBeatsPrice() {
        PowerPlan plan = plan(2, 5, 9, 9, 9, 9, 1, 1);
        assertThat(plan.schedule(hour(2.9), MIDNIGHT, Duration.ZERO, false).runsNow())
                .isFalse();
        PowerPlan.Schedule late = plan.schedule(hour(3), MIDNIGHT, Duration.ZERO, false);
        assertThat(late.runs()).containsExactly(span(3, 5));
        assertThat(plan.schedule(hour(7), MIDNIGHT, Duration.ZERO, false).runs())
                .containsExactly(span(7, 9));
    }

    @Test
    void workThatTakesLongerThanThoughtGoesOnInCheapTimeUntilTheDeadline() {
        PowerPlan plan = plan(1, 4, 1, 1, 9, 1);
        assertThat(plan.schedule(hour(1.5), MIDNIGHT, Duration.ofMinutes(90), true)
                        .runsNow())
                .isTrue();
    }

    @Test
    void whatNoForecastTellsIsNotWaitedFor() {
        assertThat(plan(2, 24)
                        .schedule(MIDNIGHT, MIDNIGHT, Duration.ZERO, false)
                        .runs())
                .containsExactly(span(0, 2));
        assertThat(plan(2, 24, 9, 1)
                        .schedule(MIDNIGHT, MIDNIGHT, Duration.ZERO, false)
                        .runsNow())
                .isTrue();
        assertThat(plan(1, 24, 9, 1)
                        .schedule(MIDNIGHT, MIDNIGHT, Duration.ZERO, false)
                        .runs())
                .containsExactly(span(1, 2));
        PowerPlan fails = PowerPlan.of(
                (from, until) -> {
                    throw new IllegalStateException("no network");
                },
                Duration.ofHours(1),
                Duration.ofHours(3));
        assertThatThrownBy(() -> fails.schedule(MIDNIGHT, MIDNIGHT, Duration.ZERO, false))
                .hasMessage("no network");
    }

    @Test
    void beginsWithinASlotAndAtItsEdge() {
        PowerPlan plan = plan(1, 6, 9, 9, 1, 9, 9, 9);
        assertThat(plan.schedule(hour(0.5), hour(0.5), Duration.ZERO, false).runs())
                .containsExactly(span(2, 3));
        Instant odd = hour(0.5).plusSeconds(17);
        assertThat(plan.schedule(odd, MIDNIGHT, Duration.ZERO, false).runs()).containsExactly(span(2, 3));
        Instant during = hour(2).plusSeconds(17);
        assertThat(plan.schedule(during, MIDNIGHT, Duration.ZERO, false).runs())
                .containsExactly(new PowerPlan.Span(during, hour(3)));
    }

    @Test
    void carbonCountsByItsPrice() {
        List<Forecast.Slot> slots =
                List.of(new Forecast.Slot(hour(0), hour(1), 0.30, 100), new Forecast.Slot(hour(1), hour(2), 0.20, 900));
        PowerPlan price = PowerPlan.of((from, until) -> slots, Duration.ofHours(1), Duration.ofHours(2));
        assertThat(price.schedule(MIDNIGHT, MIDNIGHT, Duration.ZERO, false).runsNow())
                .isFalse();
        assertThat(price.carbonPrice(0.0002)
                        .schedule(MIDNIGHT, MIDNIGHT, Duration.ZERO, false)
                        .runsNow())
                .isTrue();
        assertThat(price.carbonPrice(0.0001)
                        .schedule(MIDNIGHT, MIDNIGHT, Duration.ZERO, false)
                        .runsNow())
                .isFalse();
    }

    @Test
    void weekOfQuarterHoursIsPlanned() {
        List<Forecast.Slot> slots = IntStream.range(0, 4 * 168)
                .mapToObj(i -> new Forecast.Slot(hour(i / 4.0), hour((i + 1) / 4.0), i % 96, 0))
                .toList();
        PowerPlan plan = PowerPlan.of((from, until) -> slots, Duration.ofHours(20), Duration.ofDays(7));
        assertThat(plan.schedule(hour(12), hour(12), Duration.ZERO, false).runs())
                .hasSizeBetween(5, 7);
    }

    @Test
    void deadlineBeyondTheForecastMakesNoStepCoarser() {
        double[] prices = new double[24];
        Arrays.fill(prices, 9);
        prices[11] = 1;
        assertThat(plan(1, 40 * 24, prices)
                        .schedule(MIDNIGHT, MIDNIGHT, Duration.ZERO, false)
                        .runs())
                .containsExactly(span(11, 12));
    }

    @Test
    void slotsThatOverlapAreRefusedForTheirPriceIsNotKnown() {
        List<Forecast.Slot> slots = new ArrayList<>(hourly(5, 3, 5, 5));
        slots.add(2, new Forecast.Slot(hour(1.5), hour(2), 3, 0));
        PowerPlan plan = PowerPlan.of((from, until) -> slots, Duration.ofHours(1), Duration.ofHours(4));
        assertThatThrownBy(() -> plan.schedule(MIDNIGHT, MIDNIGHT, Duration.ZERO, false))
                .isInstanceOf(DataException.class)
                .hasMessage("a forecast tells two prices for one time: a slot from 2026-01-31T01:30:00Z begins before"
                        + " that from 2026-01-31T01:00:00Z ends at 2026-01-31T02:00:00Z. Fix: tell each time once, in"
                        + " order.");
    }

    @Test
    void refusesImpossiblePlans() {
        assertThatThrownBy(() -> plan(0, 3))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("PowerPlan.needs is invalid: found PT0S, expected above zero");
        assertThatThrownBy(() -> plan(1, 3).carbonPrice(-1))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("PowerPlan.carbonPrice is invalid: found -1.0, expected at least 0");
    }

    @Test
    void forecastIsReadFromAFileEachTime(@TempDir Path directory) throws IOException {
        Path file = directory.resolve("prices.csv");
        Files.writeString(file, """
                zone,from,price
                DE,2026-01-31T01:00:00+01:00,0.31
                DE,"2026-01-31T02:00:00+01:00",0.25

                DE,2026-01-31T02:15:00+01:00,-0.05
                """);
        Forecast forecast = Forecast.csv(file);
        assertThat(forecast.slots(MIDNIGHT, hour(24)))
                .containsExactly(
                        new Forecast.Slot(hour(0), hour(1), 0.31, 0),
                        new Forecast.Slot(hour(1), hour(1.25), 0.25, 0),
                        new Forecast.Slot(hour(1.25), hour(1.5), -0.05, 0));
        Files.writeString(file, """
                grams,until,from
                380,2026-01-31T02:00:00Z,2026-01-31T00:00:00Z
                """);
        assertThat(forecast.slots(hour(1), hour(24))).containsExactly(new Forecast.Slot(hour(0), hour(2), 0, 380));
        assertThat(forecast.slots(hour(2), hour(24))).isEmpty();
    }

    @Test
    void unusableFilesAreRefusedWithTheLineAndTheMend(@TempDir Path directory) throws IOException {
        Path file = directory.resolve("prices.csv");
        Forecast forecast = Forecast.csv(file);
        assertThatThrownBy(() -> forecast.slots(MIDNIGHT, hour(1)))
                .isInstanceOf(DataException.class)
                .hasMessageStartingWith("forecast " + file + ": the file system says");
        Files.writeString(file, "time,price\n");
        assertThatThrownBy(() -> forecast.slots(MIDNIGHT, hour(1)))
                .isInstanceOf(DataException.class)
                .hasMessage(
                        "forecast " + file + ": its first line is \"time,price\". Fix: name the columns there: from,"
                                + " price or grams, and until where it is told.");
        Files.writeString(file, "from,price\n2026-01-31T00:00:00Z,cheap\n");
        assertThatThrownBy(() -> forecast.slots(MIDNIGHT, hour(1)))
                .isInstanceOf(DataException.class)
                .hasMessage("forecast " + file + ", line 2: it is \"2026-01-31T00:00:00Z,cheap\": For input string:"
                        + " \"cheap\". Fix: write times such as 2026-01-31T12:00:00Z, numbers such as 0.31.");
    }
}
