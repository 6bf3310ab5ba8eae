package dev.flywheel.core.energy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.OptionalDouble;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Published figures: CodeCarbon's units and constants, and arithmetic. */
class EnergyVectorsTest {

    private static final Instant MIDNIGHT = Instant.parse("2026-01-31T00:00:00Z");

    @TempDir
    Path powercap;

    @Test
    void everyCaseComesOut() throws IOException {
        Path folder = Path.of("").toAbsolutePath();
        while (folder != null && !Files.exists(folder.resolve("shared/vectors/energy_cost.json"))) {
            folder = folder.getParent();
        }
        assumeTrue(folder != null, "no shared/vectors/energy_cost.json beside the checkout");
        JsonNode all = new ObjectMapper()
                .readTree(Objects.requireNonNull(folder)
                        .resolve("shared/vectors/energy_cost.json")
                        .toFile());
        assertThat(all.get("cases")).hasSize(9);
        for (JsonNode one : all.get("cases")) {
            check(one.get("kind").asText(), one);
        }
    }

    private void check(String kind, JsonNode one) throws IOException {
        switch (kind) {
            case "joules_to_kwh" -> {
                double expected = one.get("expected").asDouble();
                assertThat(Tariff.kilowattHours(one.get("joules").asDouble()))
                        .isCloseTo(
                                expected, within(expected * one.get("rel_tol").asDouble()));
            }
            case "power_time" -> powerOverTime(one);
            case "rapl_wraparound_uj" -> wrapAround(one);
            case "nvml_total_energy_mj" -> counter(one);
            case "carbon_intensity_g_per_kwh" ->
                one.get("expected")
                        .properties()
                        .forEach(intensity -> assertThat(Tariff.unknown()
                                        .gramsPerKilowattHour(
                                                intensity.getValue().asDouble())
                                        .cost(3.6e6)
                                        .grams())
                                .hasValue(intensity.getValue().asDouble()));
            case "emissions_kg" -> {
                double joules = one.get("kwh").asDouble() * 3.6e6;
                Tariff tariff = Tariff.unknown()
                        .gramsPerKilowattHour(one.get("g_per_kwh").asDouble());
                assertThat(tariff.cost(joules).grams().orElseThrow() / 1000)
                        .isCloseTo(one.get("expected").asDouble(), within(1e-12));
            }
            case "lbs_per_mwh_to_kg_per_kwh" ->
                assertThat(Tariff.gramsPerKilowattHourOf(one.get("value").asDouble()) / 1000)
                        .isCloseTo(one.get("expected").asDouble(), within(1e-12));
            case "price_aware_window" -> window(one);
            case "price_aware_interruptible" -> interruptible(one);
            default -> throw new AssertionError("an unknown case: " + kind);
        }
    }

    private static void powerOverTime(JsonNode one) {
        AtomicLong nanos = new AtomicLong();
        EnergyGauge gauge = new EnergyGauge() {
            @Override
            public String device() {
                return "heater";
            }

            @Override
            public OptionalDouble watts() {
                return OptionalDouble.of(one.get("watts").asDouble());
            }
        };
        EnergyMeter meter = EnergyMeter.of(nanos::get, List.of(gauge));
        EnergyMeter.Mark start = meter.mark();
        for (int second = 0; second < one.get("seconds").asInt(); second++) {
            nanos.addAndGet(1_000_000_000);
            meter.sample();
        }
        assertThat(Tariff.kilowattHours(meter.since(start).joules().orElseThrow()))
                .isCloseTo(one.get("expected_kwh").asDouble(), within(1e-12));
    }

    private void wrapAround(JsonNode one) throws IOException {
        Path zone = Files.createDirectories(powercap.resolve("intel-rapl:0"));
        Files.writeString(zone.resolve("name"), "package-0\n");
        Files.writeString(
                zone.resolve("max_energy_range_uj"), one.get("max_range").asText());
        Files.writeString(zone.resolve("energy_uj"), one.get("previous").asText());
        EnergyMeter meter = EnergyMeter.found(powercap, List.of());
        EnergyMeter.Mark start = meter.mark();
        Files.writeString(zone.resolve("energy_uj"), one.get("now").asText());
        assertThat(meter.since(start).joules().orElseThrow() * 1e6)
                .isCloseTo(one.get("expected_delta_uj").asDouble(), within(1e-9));
    }

    private static void counter(JsonNode one) {
        double[] joules = {one.get("start").asDouble() / 1000};
        EnergyGauge gauge = new EnergyGauge() {
            @Override
            public String device() {
                return "GPU";
            }

            @Override
            public OptionalDouble joules() {
                return OptionalDouble.of(joules[0]);
            }
        };
        EnergyMeter meter = EnergyMeter.of(List.of(gauge));
        EnergyMeter.Mark start = meter.mark();
        joules[0] = one.get("end").asDouble() / 1000;
        double used = meter.since(start).joules().orElseThrow();
        assertThat(used).isEqualTo(one.get("expected_joules").asDouble());
        assertThat(Tariff.kilowattHours(used)).isCloseTo(one.get("expected_kwh").asDouble(), within(1e-15));
    }

    private static PowerPlan plan(JsonNode one, int within) {
        List<Forecast.Slot> slots = new ArrayList<>();
        for (JsonNode price : one.get("price_per_mwh_by_hour")) {
            Instant from = MIDNIGHT.plus(Duration.ofHours(slots.size()));
            slots.add(new Forecast.Slot(from, from.plus(Duration.ofHours(1)), price.asDouble() / 1000, 0));
        }
        Duration needs = Duration.ofHours(one.get("job_hours").asInt());
        return PowerPlan.of((from, until) -> slots, needs, Duration.ofHours(within));
    }

    private static void window(JsonNode one) {
        double kilowattHours = one.get("energy_kwh").asDouble();
        int latest = one.get("latest_finish_hour").asInt();
        // a start that costs more than all power is taken once
        PowerPlan whole = plan(one, latest)
                .startCost(1e6, kilowattHours / one.get("job_hours").asDouble());
        PowerPlan.Schedule best = whole.schedule(MIDNIGHT, MIDNIGHT, Duration.ZERO, false);
        Instant start = MIDNIGHT.plus(
                Duration.ofHours(one.get("expected").get("start_hour").asInt()));
        assertThat(best.runs()).containsExactly(new PowerPlan.Span(start, start.plus(whole.needs())));
        assertThat(best.rate() * kilowattHours)
                .isCloseTo(one.get("expected").get("cost").asDouble(), within(1e-9));
        Instant evening = MIDNIGHT.plus(Duration.ofHours(17));
        assertThat(whole.schedule(evening, MIDNIGHT, Duration.ZERO, false).rateNow() * kilowattHours)
                .isCloseTo(one.get("run_now_at_hour_17_cost").asDouble(), within(1e-9));
    }

    private static void interruptible(JsonNode one) {
        PowerPlan.Schedule best = plan(one, 24).schedule(MIDNIGHT, MIDNIGHT, Duration.ZERO, false);
        List<Integer> hours = new ArrayList<>();
        for (PowerPlan.Span span : best.runs()) {
            for (Instant at = span.from(); at.isBefore(span.until()); at = at.plus(Duration.ofHours(1))) {
                hours.add((int) Duration.between(MIDNIGHT, at).toHours());
            }
        }
        List<Integer> expected = new ArrayList<>();
        one.get("expected").get("hours").forEach(hour -> expected.add(hour.asInt()));
        assertThat(hours).isEqualTo(expected);
        // 100 kW for four hours, as in the case of the window
        assertThat(best.rate() * 400).isCloseTo(one.get("expected").get("cost").asDouble(), within(1e-9));
    }
}
