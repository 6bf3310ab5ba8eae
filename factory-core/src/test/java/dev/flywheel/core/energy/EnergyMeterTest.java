package dev.flywheel.core.energy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.OptionalDouble;
import java.util.ServiceConfigurationError;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EnergyMeterTest {

    private long nanos;

    /** A device whose readings the test sets. */
    private static final class Scripted implements EnergyGauge {

        private OptionalDouble joules = OptionalDouble.empty();
        private OptionalDouble watts = OptionalDouble.empty();
        private OptionalDouble idle = OptionalDouble.empty();
        private double wrapsAt = Double.POSITIVE_INFINITY;

        @Override
        public String device() {
            return "GPU-1";
        }

        @Override
        public OptionalDouble joules() {
            return joules;
        }

        @Override
        public double wrapsAt() {
            return wrapsAt;
        }

        @Override
        public OptionalDouble watts() {
            return watts;
        }

        @Override
        public OptionalDouble idleWatts() {
            return idle;
        }
    }

    private void pass(double seconds) {
        nanos += Math.round(seconds * 1e9);
    }

    private EnergyMeter meter(EnergyGauge... gauges) {
        return EnergyMeter.of(() -> nanos, List.of(gauges));
    }

    @Test
    void counterComesFirstAndPowerIsNotAsked() {
        Scripted gpu = new Scripted();
        gpu.joules = OptionalDouble.of(1000);
        gpu.watts = OptionalDouble.of(1);
        EnergyMeter meter = meter(gpu);
        EnergyMeter.Mark start = meter.mark();
        pass(20);
        gpu.joules = OptionalDouble.of(4600);
        Energy energy = meter.since(start);
        assertThat(energy.joules()).hasValue(3600);
        assertThat(energy.netJoules()).isEmpty();
        assertThat(energy.sources()).containsExactly(Energy.Source.COUNTER);
        assertThat(energy.window()).isEqualTo(Duration.ofSeconds(20));
        assertThat(energy.describe()).isEqualTo("3,600 J in 20.0 s (3,600 J of GPU-1 by its energy counter)");
    }

    @Test
    void powerIsIntegratedByTrapezoidsOverTheSamples() {
        Scripted gpu = new Scripted();
        gpu.watts = OptionalDouble.of(100);
        gpu.idle = OptionalDouble.of(50);
        EnergyMeter meter = meter(gpu);
        EnergyMeter.Mark start = meter.mark();
        pass(2);
        gpu.watts = OptionalDouble.of(300);
        meter.sample();
        pass(4);
        gpu.watts = OptionalDouble.of(200);
        Energy energy = meter.since(start);
        assertThat(energy.joules().orElseThrow()).isCloseTo(2 * 200 + 4 * 250, within(1e-9));
        assertThat(energy.netJoules().orElseThrow()).isCloseTo(1400 - 6 * 50, within(1e-9));
        assertThat(energy.sources()).containsExactly(Energy.Source.POWER_INTEGRAL);
        assertThat(energy.describe())
                .isEqualTo("1,400 J in 6.0 s, 1,100 J more than idle (1,400 J of GPU-1 by power over time)");
    }

    @Test
    void powerThatWasNotSampledForTenSecondsIsNotKnown() {
        Scripted gpu = new Scripted();
        gpu.watts = OptionalDouble.of(100);
        EnergyMeter meter = meter(gpu);
        EnergyMeter.Mark start = meter.mark();
        pass(10.5);
        EnergyMeter.Mark late = meter.mark();
        pass(1);
        EnergyMeter.Mark end = meter.mark();
        assertThat(meter.between(start, end).joules()).isEmpty();
        assertThat(meter.between(start, end).sources()).containsExactly(Energy.Source.NONE);
        assertThat(meter.between(start, end).describe())
                .isEqualTo("not known (left out: GPU-1 could not be read all the time)");
        assertThat(meter.between(late, end).joules()).hasValue(100);
    }

    @Test
    void counterThatFailsLeavesTheWindowUnknownUnlessPowerStandsIn() {
        Scripted gpu = new Scripted();
        gpu.joules = OptionalDouble.of(5);
        EnergyMeter meter = meter(gpu);
        EnergyMeter.Mark start = meter.mark();
        pass(1);
        gpu.joules = OptionalDouble.empty();
        gpu.watts = OptionalDouble.of(10);
        EnergyMeter.Mark lost = meter.mark();
        pass(1);
        EnergyMeter.Mark end = meter.mark();
        assertThat(meter.between(start, end).joules()).isEmpty();
        assertThat(meter.between(lost, end).joules()).hasValue(10);
        assertThat(meter.between(lost, end).sources()).containsExactly(Energy.Source.POWER_INTEGRAL);
    }

    @Test
    void counterGoesOnBeyondItsEndButOneThatFellBackWithoutIsUnknown() {
        Scripted gpu = new Scripted();
        gpu.joules = OptionalDouble.of(100);
        gpu.wrapsAt = 105;
        EnergyMeter meter = meter(gpu);
        EnergyMeter.Mark start = meter.mark();
        gpu.joules = OptionalDouble.of(10);
        EnergyMeter.Mark round = meter.mark();
        assertThat(meter.between(start, round).joules()).hasValue(15);
        gpu.wrapsAt = Double.POSITIVE_INFINITY;
        gpu.joules = OptionalDouble.of(3);
        assertThat(meter.since(round).joules()).isEmpty();
    }

    @Test
    void readingThatIsNoNumberOrThrowsIsNotKnownAndSpoilsNothingElse() {
        Scripted odd = new Scripted();
        odd.watts = OptionalDouble.of(Double.NaN);
        Scripted sound = new Scripted();
        sound.joules = OptionalDouble.of(10);
        EnergyGauge broken = new EnergyGauge() {
            @Override
            public String device() {
                return "GPU-2";
            }

            @Override
            public OptionalDouble joules() {
                throw new IllegalStateException("the driver is gone");
            }
        };
        EnergyMeter meter = meter(odd, broken, sound);
        EnergyMeter.Mark start = meter.mark();
        pass(1);
        sound.joules = OptionalDouble.of(12);
        Energy energy = meter.since(start);
        assertThat(energy.joules()).hasValue(2);
        assertThat(energy.leftOut())
                .containsExactly("GPU-1 could not be read all the time", "GPU-2 could not be read all the time");
    }

    @Test
    void shareIsSaidToBeOne() {
        Energy whole = new Energy(
                Duration.ofSeconds(1),
                List.of(new Energy.Part("GPU-1", Energy.Source.COUNTER, 200, OptionalDouble.of(80), false)),
                List.of("no CPU"));
        Energy part = whole.times(0.25);
        assertThat(part.joules()).hasValue(50);
        assertThat(part.netJoules()).hasValue(30);
        assertThat(part.describe())
                .isEqualTo("50 J in 1.0 s, 30 J more than idle (50 J of GPU-1 by its energy counter, apportioned;"
                        + " left out: no CPU)");
        assertThat(whole.times(1)).isSameAs(whole);
        assertThatThrownBy(() -> whole.times(1.5))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("a share is invalid: found 1.5, expected 0 to 1");
    }

    @Test
    void timesTogetherAreSummedDeviceByDeviceAndWayByWay() {
        Energy.Part counted = new Energy.Part("a", Energy.Source.COUNTER, 10, OptionalDouble.of(4), false);
        Energy.Part integrated = new Energy.Part("a", Energy.Source.POWER_INTEGRAL, 5, OptionalDouble.empty(), false);
        Energy first = new Energy(Duration.ofSeconds(1), List.of(counted), List.of("no CPU"));
        Energy second = new Energy(Duration.ofSeconds(2), List.of(counted, integrated), List.of("no CPU"));
        Energy both = first.plus(second);
        assertThat(both.window()).isEqualTo(Duration.ofSeconds(3));
        assertThat(both.parts())
                .containsExactly(
                        new Energy.Part("a", Energy.Source.COUNTER, 20, OptionalDouble.of(8), false), integrated);
        assertThat(both.leftOut()).containsExactly("no CPU");
        assertThat(Energy.unknown("lost").plus(first).joules()).hasValue(10);
    }

    @Test
    void netIsKnownOnlyIfIdleIsKnownOfEachDevice() {
        Energy.Part known = new Energy.Part("a", Energy.Source.COUNTER, 10, OptionalDouble.of(4), false);
        Energy.Part unknown = new Energy.Part("b", Energy.Source.CPU_PACKAGE, 10, OptionalDouble.empty(), false);
        assertThat(new Energy(Duration.ZERO, List.of(known), List.of()).netJoules())
                .hasValue(6);
        assertThat(new Energy(Duration.ZERO, List.of(known, unknown), List.of()).netJoules())
                .isEmpty();
    }

    @Test
    void packagesOfTheProcessorAreReadAndWrapAround(@TempDir Path powercap) throws IOException {
        zone(powercap, "intel-rapl", "", 0);
        zone(powercap, "intel-rapl:0", "package-0", 262_143_000_000L);
        zone(powercap, "intel-rapl:0:0", "core", 1);
        zone(powercap, "intel-rapl:1", "package-1", 5_000_000);
        zone(powercap, "intel-rapl:2", "psys", 7);
        zone(powercap, "intel-rapl-mmio:0", "package-0", 9);
        EnergyMeter meter = EnergyMeter.found(powercap, List.of());
        assertThat(meter.canMeasure()).isTrue();
        EnergyMeter.Mark start = meter.mark();
        Files.writeString(powercap.resolve("intel-rapl:0/energy_uj"), "1000000\n");
        Files.writeString(powercap.resolve("intel-rapl:1/energy_uj"), "7000000\n");
        Energy energy = meter.since(start);
        assertThat(energy.parts()).extracting(Energy.Part::device).containsExactly("CPU package 0", "CPU package 1");
        assertThat(energy.parts().get(0).joules()).isCloseTo(1 + 0.328850, within(1e-6));
        assertThat(energy.parts().get(1).joules()).isCloseTo(2, within(1e-9));
        assertThat(energy.sources()).containsExactly(Energy.Source.CPU_PACKAGE);
    }

    private static void zone(Path powercap, String name, String label, long microjoules) throws IOException {
        Path zone = Files.createDirectories(powercap.resolve(name));
        if (!label.isEmpty()) {
            Files.writeString(zone.resolve("name"), label + "\n");
            Files.writeString(zone.resolve("energy_uj"), microjoules + "\n");
            Files.writeString(zone.resolve("max_energy_range_uj"), "262143328850\n");
        }
    }

    @Test
    void machineThatTellsNothingSaysSo(@TempDir Path nowhere) throws IOException {
        EnergyMeter none = EnergyMeter.found(nowhere.resolve("none"), List.of());
        assertThat(none.canMeasure()).isFalse();
        assertThat(none.since(none.mark()).describe())
                .isEqualTo("not known (left out: this system tells no energy of the CPU)");
        Path closed = Files.createDirectories(nowhere.resolve("intel-rapl:0"));
        Files.writeString(closed.resolve("name"), "package-0\n");
        EnergyMeter refused = EnergyMeter.found(nowhere, List.of());
        assertThat(refused.since(refused.mark()).leftOut())
                .containsExactly("the energy of the CPU may not be read; root may, or whoever is let read energy_uj in "
                        + nowhere);
    }

    @Test
    void providerThatFailsIsLeftOutAndTheOthersAreRead(@TempDir Path nowhere) {
        Scripted gpu = new Scripted();
        gpu.joules = OptionalDouble.of(1);
        EnergyProvider good = new EnergyProvider() {
            @Override
            public String name() {
                return "test";
            }

            @Override
            public List<EnergyGauge> gauges() {
                return List.of(gpu);
            }

            @Override
            public String explanation() {
                return "";
            }
        };
        EnergyProvider broken = new EnergyProvider() {
            @Override
            public String name() {
                return "broken";
            }

            @Override
            public List<EnergyGauge> gauges() {
                throw new ServiceConfigurationError("no library");
            }

            @Override
            public String explanation() {
                return "";
            }
        };
        EnergyMeter meter = EnergyMeter.found(nowhere, List.of(broken, good));
        EnergyMeter.Mark start = meter.mark();
        gpu.joules = OptionalDouble.of(3);
        Energy energy = meter.since(start);
        assertThat(energy.joules()).hasValue(2);
        assertThat(energy.leftOut())
                .containsExactly(
                        "this system tells no energy of the CPU",
                        "a provider failed: java.util.ServiceConfigurationError: no library");
    }

    @Test
    void marksOfAnotherMeterAreRefused() {
        EnergyMeter.Mark other = meter().mark();
        EnergyMeter meter = meter();
        assertThatThrownBy(() -> meter.since(other))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("a window is between two marks of one meter");
    }
}
