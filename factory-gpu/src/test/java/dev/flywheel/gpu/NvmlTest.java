package dev.flywheel.gpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.jna.Memory;
import dev.flywheel.core.ClosedException;
import dev.flywheel.gpu.GpuReading.Activity;
import dev.flywheel.gpu.GpuReading.Fault;
import dev.flywheel.gpu.GpuReading.Pcie;
import dev.flywheel.gpu.GpuReading.ProcessUse;
import dev.flywheel.gpu.GpuReading.Throttle;
import dev.flywheel.gpu.GpuTelemetry.Gpu;
import dev.flywheel.gpu.GpuTelemetry.Slice;
import java.lang.reflect.Field;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;

/** What {@link Nvml} makes of drivers of all kinds. */
class NvmlTest {

    private static final String UUID = "GPU-11111111-2222-3333-4444-555555555555";
    private static final long SECOND = TimeUnit.SECONDS.toNanos(1);

    private static final List<String> OLD_CARD = List.of(
            "sys count const 1",
            "sys driver text 450.80.02",
            "sys cuda const 11000",
            "0 name text Tesla K80",
            "0 uuid text GPU-00000000-0000-0000-0000-000000000080",
            "0 pci text 00000000:05:00.0",
            "0 capability const 37",
            "0 memory.total const 11996954624",
            "0 memory.used const 0",
            "0 utilization const 0",
            "0 power err 3",
            "0 powerlimit err 4",
            "0 energy err 13",
            "0 throttle err 21",
            "0 temperature const 35");

    private static final List<String> MIG = List.of(
            "0 mig const 1",
            "0 mig.places const 7",
            "0 utilization err 3",
            "0.0 uuid text MIG-aaaaaaaa-2222-3333-4444-555555555555",
            "0.0 name text NVIDIA H200 MIG 1g.18gb",
            "0.0 instance.gpu const 9",
            "0.0 instance.compute const 0",
            "0.0 slices const 1",
            "0.0 memory.total const 18000000000",
            "0.0 memory.reserved const 1000",
            "0.0 memory.used const 2000",
            "0.0 processes const 1",
            "0.0 process.used const 77",
            "0.0 power err 2",
            "0.0 gpm const 1",
            "0.0 gpm.2 const 103.5",
            "0.4 uuid text MIG-bbbbbbbb-2222-3333-4444-555555555555",
            "0.4 name text NVIDIA H200 MIG 3g.71gb",
            "0.4 instance.gpu const 2",
            "0.4 instance.compute const 0",
            "0.4 slices const 3",
            "0.4 memory.total const 71000000000",
            "0.4 memory.reserved const 0",
            "0.4 memory.used const 0");

    private final AtomicLong nanos = new AtomicLong();

    @Test
    void aHealthyGpuTellsEverything() {
        FakeNvml fake = FakeNvml.scripted(FakeNvml.HOPPER);
        try (GpuTelemetry telemetry = fake.open(nanos::get)) {
            assertThat(telemetry.obstacle()).isEmpty();
            assertThat(telemetry.driverVersion()).contains("550.54.15");
            assertThat(telemetry.cudaVersion()).contains("12.4");
            Gpu gpu = new Gpu(
                    UUID,
                    "NVIDIA H200",
                    Optional.of("00000000:3B:00.0"),
                    Optional.of("9.0"),
                    OptionalLong.of(150_754_820_096L),
                    OptionalInt.of(1980),
                    OptionalInt.of(3201),
                    false,
                    Optional.empty());
            assertThat(telemetry.gpus()).containsExactly(gpu);
            assertThat(telemetry.gpu(UUID.toLowerCase(Locale.ROOT))).contains(gpu);
            assertThat(telemetry.gpu("GPU-other")).isEmpty();

            GpuReading first = telemetry.read(gpu);
            assertThat(first)
                    .isEqualTo(new GpuReading(
                            gpu,
                            Optional.of(new GpuReading.Memory(
                                    150_754_820_096L, 12_000_000_000L, 138_125_674_496L, OptionalLong.of(629_145_600))),
                            OptionalDouble.of(97),
                            Optional.empty(),
                            Optional.empty(),
                            OptionalDouble.of(350.25),
                            OptionalDouble.of(700),
                            OptionalDouble.of(1_234_567.89),
                            OptionalDouble.of(61),
                            OptionalInt.of(1755),
                            OptionalInt.of(3201),
                            Optional.of(Set.of(Throttle.POWER_CAP)),
                            Optional.of(List.of(
                                    new ProcessUse(1000, OptionalLong.of(8_589_934_592L)),
                                    new ProcessUse(1001, OptionalLong.empty()))),
                            Optional.empty()));

            nanos.addAndGet(2 * SECOND);
            GpuReading second = telemetry.read(gpu);
            assertThat(second.powerWatts()).hasValue(351);
            assertThat(second.energyJoules()).hasValue(1_234_568.39);
            assertThat(second.activity()).contains(activity(Duration.ofSeconds(2), 91.5));
            assertThat(second.pcie()).contains(new Pcie(2000.5 * 1024 * 1024, 100.0 * 1024 * 1024));
            assertThat(telemetry.pcie(gpu)).contains(new Pcie(55e6, 1.2e6));
            assertThat(telemetry.powerWatts(gpu)).hasValue(351);
            assertThat(telemetry.energyJoules(gpu)).hasValue(1_234_568.89);
        }
        assertThat(fake.inits()).isZero();
        assertThat(fake.samples()).isZero();
    }

    private static Activity activity(Duration period, double sm) {
        return new Activity(
                period,
                OptionalDouble.of(sm),
                OptionalDouble.of(40.25),
                OptionalDouble.of(62.75),
                OptionalDouble.of(33));
    }

    @Test
    void anOldCardTellsWhatItKnowsAndNothingElse() {
        FakeNvml fake = FakeNvml.scripted(OLD_CARD);
        try (GpuTelemetry telemetry = fake.open(nanos::get)) {
            Gpu gpu = telemetry.gpus().get(0);
            assertThat(gpu.computeCapability()).contains("3.7");
            assertThat(gpu.maxSmClockMegahertz()).isEmpty();
            assertThat(gpu.mig()).isFalse();
            GpuReading expected = new GpuReading(
                    gpu,
                    // The newer layout needs what this card does not tell, so it is read by the older.
                    Optional.of(new GpuReading.Memory(11_996_954_624L, 0, 11_996_954_624L, OptionalLong.empty())),
                    OptionalDouble.of(0),
                    Optional.empty(),
                    Optional.empty(),
                    OptionalDouble.empty(),
                    OptionalDouble.empty(),
                    OptionalDouble.empty(),
                    OptionalDouble.of(35),
                    OptionalInt.empty(),
                    OptionalInt.empty(),
                    Optional.empty(),
                    Optional.empty(),
                    Optional.empty());
            assertThat(telemetry.read(gpu)).isEqualTo(expected);
            nanos.addAndGet(SECOND);
            assertThat(telemetry.read(gpu)).isEqualTo(expected);
            assertThat(telemetry.pcie(gpu)).isEmpty();
        }
        assertThat(fake.samples()).isZero();
    }

    @Test
    void aSliceIsADeviceOfItsOwnWithItsMemoryItsActivityAndItsShare() {
        List<String> script = new ArrayList<>(FakeNvml.HOPPER);
        script.addAll(MIG);
        FakeNvml fake = FakeNvml.scripted(script);
        try (GpuTelemetry telemetry = fake.open(nanos::get)) {
            assertThat(telemetry.obstacle()).isEmpty();
            assertThat(telemetry.gpus()).hasSize(3);
            Gpu whole = telemetry.gpus().get(0);
            Gpu small = telemetry.gpus().get(1);
            Gpu large = telemetry.gpus().get(2);
            assertThat(whole.mig()).isTrue();
            assertThat(whole.slice()).isEmpty();
            assertThat(small)
                    .isEqualTo(new Gpu(
                            "MIG-aaaaaaaa-2222-3333-4444-555555555555",
                            "NVIDIA H200 MIG 1g.18gb",
                            Optional.of("00000000:3B:00.0"),
                            Optional.of("9.0"),
                            OptionalLong.of(18_000_000_000L),
                            OptionalInt.empty(),
                            OptionalInt.empty(),
                            false,
                            Optional.of(new Slice(
                                    UUID, OptionalInt.of(9), OptionalInt.of(0), OptionalDouble.of(1 / 7.0)))));
            assertThat(large.slice().orElseThrow().share()).hasValue(3 / 7.0);

            assertThat(telemetry.read(whole).utilizationPercent()).isEmpty();
            assertThat(telemetry.read(whole).powerWatts()).isPresent();
            assertThat(telemetry.read(small).activity()).isEmpty();
            nanos.addAndGet(SECOND);
            GpuReading reading = telemetry.read(small);
            assertThat(reading.memory())
                    .contains(new GpuReading.Memory(18_000_000_000L, 2000, 17_999_997_000L, OptionalLong.of(1000)));
            assertThat(reading.processes()).contains(List.of(new ProcessUse(1000, OptionalLong.of(77))));
            assertThat(reading.activity())
                    .contains(new Activity(
                            Duration.ofSeconds(1),
                            OptionalDouble.of(103.5),
                            OptionalDouble.empty(),
                            OptionalDouble.empty(),
                            OptionalDouble.empty()));
            assertThat(reading.pcie()).isEmpty();
            assertThat(reading.powerWatts()).isEmpty();
            assertThat(reading.fault()).isEmpty();
            assertThat(telemetry.powerWatts(small)).isEmpty();
            assertThat(telemetry.energyJoules(small)).isEmpty();
            assertThat(telemetry.pcie(small)).isEmpty();

            // A driver that has counters of slices only, and a slice that somebody takes away.
            fake.script("0 gpm err 2");
            assertThat(telemetry.read(whole).fault()).isEmpty();
            fake.script("0.4 all err 2");
            assertThat(telemetry.read(large).fault())
                    .contains(
                            new Fault(Fault.Kind.FAILED, "nvmlDeviceGetMemoryInfo_v2 says: Invalid Argument (NVML 2)"));
        }
        assertThat(fake.samples()).isZero();
    }

    @Test
    void aGpuThatIsLostSaysSoAndIsLeftInPeaceForTheRestOfTheReading() {
        FakeNvml fake = FakeNvml.scripted(FakeNvml.HOPPER);
        try (GpuTelemetry telemetry = fake.open(nanos::get)) {
            Gpu gpu = telemetry.gpus().get(0);
            assertThat(telemetry.read(gpu).fault()).isEmpty();
            fake.script("0 all err 15");
            long before = fake.calls();
            GpuReading lost = telemetry.read(gpu);
            assertThat(fake.calls() - before).isOne();
            assertThat(lost.fault())
                    .contains(new Fault(Fault.Kind.LOST, "nvmlDeviceGetMemoryInfo_v2 says: GPU is lost (NVML 15)"));
            assertThat(lost.memory()).isEmpty();
            assertThat(lost.powerWatts()).isEmpty();
            assertThat(telemetry.pcie(gpu)).isEmpty();
            fake.script("0 all const 0");
            assertThat(telemetry.read(gpu).fault()).isEmpty();
        }
    }

    @Test
    void anErrorNobodyKnowsLeavesTheOtherValues() {
        FakeNvml fake = FakeNvml.scripted(FakeNvml.HOPPER);
        fake.script("0 power seq 1 2");
        fake.script("0 utilization err 999");
        fake.script("0 energy err 10");
        try (GpuTelemetry telemetry = fake.open(nanos::get)) {
            GpuReading reading = telemetry.read(telemetry.gpus().get(0));
            assertThat(reading.utilizationPercent()).isEmpty();
            assertThat(reading.energyJoules()).isEmpty();
            assertThat(reading.powerWatts()).hasValue(0.001);
            assertThat(reading.fault())
                    .contains(new Fault(
                            Fault.Kind.FAILED, "nvmlDeviceGetUtilizationRates says: Unknown Error (NVML 999)"));
        }
    }

    @Test
    void aGpuThatIsLostFromTheStartIsLeftOutAndTheOtherIsThere() {
        List<String> script = new ArrayList<>(OLD_CARD);
        script.add("sys count const 2");
        script.add("1 handle err 15");
        FakeNvml fake = FakeNvml.scripted(script);
        try (GpuTelemetry telemetry = fake.open()) {
            assertThat(telemetry.gpus()).extracting(Gpu::name).containsExactly("Tesla K80");
            assertThat(telemetry.obstacle())
                    .contains("GPU 1 of 2 cannot be asked: nvmlDeviceGetHandleByIndex_v2 says: GPU is lost (NVML 15)."
                            + " Fix: see what nvidia-smi says");
        }
    }

    @Test
    void withoutALibraryADriverOrAGpuThereIsNoneAndTheReasonIsNamed() {
        try (GpuTelemetry telemetry = Nvml.open(List.of("/nowhere/libnvidia-ml.so.1"), nanos::get)) {
            assertNone(
                    telemetry,
                    "NVIDIA's management library is not there: looked for /nowhere/libnvidia-ml.so.1. Fix: install"
                            + " NVIDIA's driver, which brings it; a container gets it from NVIDIA's runtime with"
                            + " NVIDIA_DRIVER_CAPABILITIES=compute,utility");
        }
        assertRefusal(
                9,
                "NVIDIA's driver is not loaded: Driver Not Loaded (NVML 9). Fix: load the kernel module nvidia,"
                        + " or give the container the GPU");
        assertRefusal(
                18,
                "NVIDIA's driver and its library are of two versions: Driver/library version mismatch (NVML 18). Fix:"
                        + " restart the machine, as after each update of the driver");
        assertRefusal(
                999,
                "NVIDIA's management library does not start: Unknown Error (NVML 999). Fix: see what nvidia-smi says");
        FakeNvml fake = FakeNvml.scripted(List.of("sys count const 0", "sys driver text 550.54.15"));
        try (GpuTelemetry telemetry = fake.open()) {
            assertThat(telemetry.driverVersion()).contains("550.54.15");
            assertThat(telemetry.cudaVersion()).isEmpty();
            assertThat(telemetry.gpus()).isEmpty();
            assertThat(telemetry.obstacle())
                    .contains("NVIDIA's driver lists no GPU. Fix: put one in, or give the container one");
        }
        assertThat(fake.inits()).isZero();
    }

    private static void assertRefusal(int code, String why) {
        FakeNvml fake = FakeNvml.scripted(List.of("sys init err " + code));
        try (GpuTelemetry telemetry = fake.open()) {
            assertNone(telemetry, why);
        }
        assertThat(fake.inits()).isZero();
    }

    private static void assertNone(GpuTelemetry telemetry, String why) {
        assertThat(telemetry.gpus()).isEmpty();
        assertThat(telemetry.obstacle()).contains(why);
        assertThat(telemetry.driverVersion()).isEmpty();
        assertThat(telemetry.cudaVersion()).isEmpty();
    }

    @Test
    void theTelemetryOfThisMachineOpensWhateverItIs() {
        try (GpuTelemetry telemetry = GpuTelemetry.open()) {
            assertThat(telemetry.gpus().isEmpty() && telemetry.obstacle().isEmpty())
                    .isFalse();
        }
    }

    @Test
    void withoutADriverNoLibraryIsLookedFor() {
        Assumptions.assumeFalse(CudaDriver.ofThisMachine().visible(), "this machine has an NVIDIA driver");
        try (GpuTelemetry telemetry = GpuTelemetry.open()) {
            assertThat(telemetry.obstacle())
                    .hasValueSatisfying(why -> assertThat(why)
                            .startsWith("no NVIDIA driver is visible, as there is none of [")
                            .contains("]. Fix: install the NVIDIA driver"));
        }
    }

    @Test
    void aDriverWithoutAFunctionLacksThatValueAloneOrUsesTheOlderOne() {
        FakeNvml fake = FakeNvml.scripted(
                FakeNvml.HOPPER,
                "nvmlDeviceGetTotalEnergyConsumption",
                "nvmlDeviceGetCurrentClocksEventReasons",
                "nvmlDeviceGetMemoryInfo_v2",
                "nvmlGpmMetricsGet",
                "nvmlDeviceGetMigMode",
                "nvmlSystemGetCudaDriverVersion_v2");
        try (GpuTelemetry telemetry = fake.open(nanos::get)) {
            assertThat(telemetry.cudaVersion()).isEmpty();
            Gpu gpu = telemetry.gpus().get(0);
            telemetry.read(gpu);
            nanos.addAndGet(SECOND);
            GpuReading reading = telemetry.read(gpu);
            assertThat(reading.energyJoules()).isEmpty();
            assertThat(reading.activity()).isEmpty();
            assertThat(reading.throttles()).contains(Set.of(Throttle.POWER_CAP));
            assertThat(reading.memory())
                    .contains(new GpuReading.Memory(
                            150_754_820_096L, 12_629_145_600L, 138_125_674_496L, OptionalLong.empty()));
            assertThat(reading.powerWatts()).isPresent();
            assertThat(reading.fault()).isEmpty();
        }
        assertThat(fake.samples()).isZero();
    }

    @Test
    void numbersOf64BitsAreKeptAndThoseThatMeanUnknownAreAbsent() {
        FakeNvml fake = FakeNvml.scripted(FakeNvml.HOPPER);
        fake.script("0 memory.total const 9223372036854775807");
        fake.script("0 memory.reserved const 0");
        fake.script("0 memory.used const 9007199254740993");
        fake.script("0 energy const 9007199254740992000");
        fake.script("0 throttle const 9223372036854775817");
        fake.script("0 power const 4294967295");
        try (GpuTelemetry telemetry = fake.open(nanos::get)) {
            Gpu gpu = telemetry.gpus().get(0);
            assertThat(gpu.memoryTotalBytes()).hasValue(Long.MAX_VALUE);
            GpuReading reading = telemetry.read(gpu);
            assertThat(reading.memory())
                    .contains(new GpuReading.Memory(
                            Long.MAX_VALUE, 9_007_199_254_740_993L, 9_214_364_837_600_034_814L, OptionalLong.of(0)));
            assertThat(reading.energyJoules()).hasValue(9_007_199_254_740_992.0);
            assertThat(reading.throttles()).contains(Set.of(Throttle.IDLE, Throttle.HARDWARE_SLOWDOWN, Throttle.OTHER));
            assertThat(reading.powerWatts()).hasValue(4_294_967.295);
            fake.script("0 memory.used const 18446744073709551615");
            fake.script("0 energy const 18446744073709551615");
            GpuReading unknown = telemetry.read(gpu);
            assertThat(unknown.memory()).isEmpty();
            assertThat(unknown.energyJoules()).isEmpty();
        }
    }

    @Test
    void energyGoesUpWithTime() {
        FakeNvml fake = FakeNvml.scripted(FakeNvml.HOPPER);
        fake.script("0 energy rate 5000000 1e9");
        try (GpuTelemetry telemetry = fake.open()) {
            Gpu gpu = telemetry.gpus().get(0);
            double first = telemetry.energyJoules(gpu).orElseThrow();
            assertThat(first).isGreaterThanOrEqualTo(5000);
            assertThat(telemetry.read(gpu).energyJoules().orElseThrow()).isGreaterThanOrEqualTo(first);
        }
    }

    @Test
    void activityIsThatSinceTheReadingBeforeAndIsKeptForATenthOfASecond() {
        FakeNvml fake = FakeNvml.scripted(FakeNvml.HOPPER);
        fake.script("0 gpm.2 seq 10 20 30");
        try (GpuTelemetry telemetry = fake.open(nanos::get)) {
            Gpu gpu = telemetry.gpus().get(0);
            assertThat(telemetry.read(gpu).activity()).isEmpty();
            nanos.addAndGet(SECOND / 10 - 1);
            assertThat(telemetry.read(gpu).activity()).isEmpty();
            nanos.addAndGet(1);
            Activity first = activity(Duration.ofMillis(100), 10);
            assertThat(telemetry.read(gpu).activity()).contains(first);
            nanos.addAndGet(SECOND / 20);
            assertThat(telemetry.read(gpu).activity()).contains(first);
            nanos.addAndGet(SECOND);
            assertThat(telemetry.read(gpu).activity()).contains(activity(Duration.ofMillis(1050), 20));
            fake.script("0 gpm err 999");
            nanos.addAndGet(SECOND);
            assertThat(telemetry.read(gpu).activity()).isEmpty();
            fake.script("0 gpm const 1");
            nanos.addAndGet(SECOND);
            assertThat(telemetry.read(gpu).activity()).contains(activity(Duration.ofSeconds(2), 30));
            assertThat(fake.samples()).isEqualTo(2);
        }
        assertThat(fake.samples()).isZero();
    }

    @Test
    void aListOfProcessesIsReadWholeHoweverLong() {
        FakeNvml fake = FakeNvml.scripted(FakeNvml.HOPPER);
        fake.script("0 process.used const 5");
        // More start between the call that says how many there are and the next.
        fake.script("0 processes seq 40 90 90");
        try (GpuTelemetry telemetry = fake.open(nanos::get)) {
            Gpu gpu = telemetry.gpus().get(0);
            List<ProcessUse> processes = telemetry.read(gpu).processes().orElseThrow();
            assertThat(processes).hasSize(90).endsWith(new ProcessUse(1089, OptionalLong.of(5)));
            fake.script("0 processes const 0");
            assertThat(telemetry.read(gpu).processes()).contains(List.of());
            fake.script("0 processes const 4000000000");
            assertThat(telemetry.read(gpu).processes()).isEmpty();
        }
    }

    @Test
    void aCallThatBlocksHoldsUpNobodyElse() throws Exception {
        FakeNvml fake = FakeNvml.scripted(FakeNvml.HOPPER);
        fake.script("0 pcie.sent block 8");
        GpuTelemetry telemetry = fake.open(nanos::get);
        Gpu gpu = telemetry.gpus().get(0);
        CompletableFuture<Optional<Pcie>> blocked = CompletableFuture.supplyAsync(() -> telemetry.pcie(gpu));
        fake.awaitBlocked();
        assertThat(telemetry.read(gpu).powerWatts()).isPresent();
        telemetry.close();
        telemetry.close();
        assertThatThrownBy(() -> telemetry.read(gpu))
                .isInstanceOf(ClosedException.class)
                .hasMessage("reading GPU " + UUID + ": the telemetry is closed. Fix: read before closing, or open"
                        + " another.");
        assertThat(fake.inits()).isOne();
        fake.release();
        assertThat(blocked.get(1, TimeUnit.MINUTES)).contains(new Pcie(55e6, 8e3));
        assertThat(fake.inits()).isZero();
        assertThat(fake.samples()).isZero();
    }

    @Test
    void readingWhatIsNotListedIsRefused() {
        FakeNvml fake = FakeNvml.scripted(FakeNvml.HOPPER);
        try (GpuTelemetry telemetry = fake.open();
                GpuTelemetry none = new NoGpus("no driver")) {
            Gpu gpu = telemetry.gpus().get(0);
            assertThatThrownBy(() -> none.read(gpu))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("found " + gpu + ", expected none: no driver");
            fake.script("0 name text Another");
            try (GpuTelemetry other = fake.open()) {
                Gpu another = other.gpus().get(0);
                assertThatThrownBy(() -> telemetry.read(another))
                        .isInstanceOf(IllegalArgumentException.class)
                        .hasMessage("found " + another + ", expected one of [" + gpu + "]");
            }
        }
    }

    @Test
    void manyThreadsReadAtOnce() {
        FakeNvml fake = FakeNvml.scripted(FakeNvml.HOPPER);
        try (GpuTelemetry telemetry = fake.open()) {
            Gpu gpu = telemetry.gpus().get(0);
            List<CompletableFuture<Void>> readers = new ArrayList<>();
            for (int i = 0; i < 4; i++) {
                readers.add(CompletableFuture.runAsync(() -> {
                    double joules = 0;
                    for (int n = 0; n < 500; n++) {
                        GpuReading reading = telemetry.read(gpu);
                        assertThat(reading.fault()).isEmpty();
                        assertThat(reading.energyJoules().orElseThrow()).isGreaterThan(joules);
                        joules = reading.energyJoules().orElseThrow();
                    }
                }));
            }
            readers.forEach(CompletableFuture::join);
        }
        assertThat(fake.inits()).isZero();
        assertThat(fake.samples()).isZero();
    }

    @Test
    void aHundredThousandReadingsLeaveNoNativeMemoryBehind() throws Exception {
        List<String> script = new ArrayList<>(FakeNvml.HOPPER);
        script.addAll(MIG);
        FakeNvml fake = FakeNvml.scripted(script);
        Field live = Memory.class.getDeclaredField("allocatedMemory");
        live.setAccessible(true);
        try (GpuTelemetry telemetry = fake.open(nanos::get)) {
            Gpu gpu = telemetry.gpus().get(0);
            Gpu slice = telemetry.gpus().get(1);
            int most = 0;
            int faults = 0;
            int before = ((Map<?, ?>) live.get(null)).size();
            for (int i = 0; i < 100_000; i++) {
                nanos.addAndGet(SECOND);
                faults += telemetry.read(i % 50 == 0 ? gpu : slice).fault().isPresent() ? 1 : 0;
                most = Math.max(most, ((Map<?, ?>) live.get(null)).size() - before);
            }
            assertThat(most).isZero();
            assertThat(faults).isZero();
            assertThat(fake.samples()).isEqualTo(4);
        }
    }

    @Test
    void layoutsAreThoseOfTheCompiler() {
        FakeNvml fake = FakeNvml.scripted(List.of());
        assertThat(fake.layout("pci.busId")).isEqualTo(NvmlSearch.PCI_BUS_ID);
        assertThat(fake.layout("attributes.computeSlices")).isEqualTo(NvmlSearch.COMPUTE_SLICES);
        assertThat(fake.layout("memory.size") | 2 << 24).isEqualTo(NvmlDevice.MEMORY_VERSION);
        assertThat(fake.layout("memory.total")).isEqualTo(NvmlDevice.MEMORY_TOTAL);
        assertThat(fake.layout("memory.reserved")).isEqualTo(NvmlDevice.MEMORY_RESERVED);
        assertThat(fake.layout("memory.free")).isEqualTo(NvmlDevice.MEMORY_FREE);
        assertThat(fake.layout("memory.used")).isEqualTo(NvmlDevice.MEMORY_USED);
        assertThat(fake.layout("process.size"))
                .isEqualTo(NvmlDevice.PROCESS_BYTES)
                .isEqualTo(24);
        assertThat(fake.layout("process.used")).isEqualTo(NvmlDevice.PROCESS_USED);
        assertThat(fake.layout("gpm.count")).isEqualTo(Gpm.COUNT);
        assertThat(fake.layout("gpm.sample1")).isEqualTo(Gpm.SAMPLE_1);
        assertThat(fake.layout("gpm.sample2")).isEqualTo(Gpm.SAMPLE_2);
        assertThat(fake.layout("gpm.metrics")).isEqualTo(Gpm.FIRST);
        assertThat(fake.layout("gpm.metric.size")).isEqualTo(Gpm.STRIDE);
        assertThat(fake.layout("gpm.metric.code")).isEqualTo(Gpm.CODE);
        assertThat(fake.layout("gpm.metric.value")).isEqualTo(Gpm.VALUE);
    }
}
