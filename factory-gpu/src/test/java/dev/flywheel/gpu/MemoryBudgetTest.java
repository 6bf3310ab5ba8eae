package dev.flywheel.gpu;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;

class MemoryBudgetTest {

    private static final long GB = 1_000_000_000;
    private static final long CONTEXT = MemoryBudget.CONTEXT_BYTES;

    private static MemoryUse use(long used) {
        return new MemoryUse(100 * GB, used, OptionalLong.empty());
    }

    private static MemoryUse use(long used, long own) {
        return new MemoryUse(100 * GB, used, OptionalLong.of(own));
    }

    @Test
    void takesNinetyTwoPercentOfAnEmptyDevice() {
        assertThat(new MemoryBudget("gpu", use(2 * GB)).bytes()).isEqualTo(92 * GB - CONTEXT);
    }

    @Test
    void leavesOthersWhatTheyHold() {
        MemoryBudget budget = new MemoryBudget("gpu", use(30 * GB));
        assertThat(budget.bytes()).isEqualTo(70 * GB - CONTEXT);
        assertThat(budget.most()).isEqualTo(92 * GB - CONTEXT);
        assertThat(new MemoryBudget("gpu", use(100 * GB)).bytes()).isZero();
    }

    @Test
    void leavesTheDriverWhatItKeeps() {
        GpuTelemetry.Gpu gpu = new GpuTelemetry.Gpu(
                "GPU-1",
                "NVIDIA H200",
                Optional.empty(),
                Optional.empty(),
                OptionalLong.empty(),
                OptionalInt.empty(),
                OptionalInt.empty(),
                false,
                Optional.empty());
        GpuReading reading = new GpuReading(
                gpu,
                Optional.of(new GpuReading.Memory(100 * GB, 60 * GB, 39 * GB, OptionalLong.of(GB))),
                OptionalDouble.empty(),
                Optional.empty(),
                Optional.empty(),
                OptionalDouble.empty(),
                OptionalDouble.empty(),
                OptionalDouble.empty(),
                OptionalDouble.empty(),
                OptionalInt.empty(),
                OptionalInt.empty(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty());
        MemoryUse use = MemoryUse.of(reading).orElseThrow();
        assertThat(new MemoryBudget("gpu", use).bytes()).isEqualTo(39 * GB - CONTEXT);
    }

    @Test
    void followsOthersWhereTheDriverTellsThisProcessFromThem() {
        MemoryBudget budget = new MemoryBudget("gpu", use(30 * GB, 0));
        budget.look(use(50 * GB, 10 * GB), 20 * GB);
        assertThat(budget.bytes()).isEqualTo(60 * GB - CONTEXT);
        budget.look(use(15 * GB, 10 * GB), 20 * GB);
        assertThat(budget.bytes()).isEqualTo(92 * GB - CONTEXT);
    }

    @Test
    void countsWhatThisProcessTakesBeyondItsPromises() {
        MemoryBudget budget = new MemoryBudget("gpu", use(20 * GB, 0));
        budget.look(use(60 * GB, 40 * GB), 30 * GB);
        assertThat(budget.bytes()).isEqualTo(100 * GB - 20 * GB - 40 * GB + 30 * GB);
    }

    @Test
    void growsOnlyByWhatIsProvenWhereTheDriverTellsNobodyApart() {
        MemoryBudget budget = new MemoryBudget("gpu", use(30 * GB));
        // What is missing may be what the residents have not taken yet.
        budget.look(use(30 * GB), 20 * GB);
        assertThat(budget.bytes()).isEqualTo(70 * GB - CONTEXT);
        budget.look(use(60 * GB), 20 * GB);
        assertThat(budget.bytes()).isEqualTo(60 * GB);
        // Others cannot hold more than anybody.
        budget.look(use(10 * GB), 20 * GB);
        assertThat(budget.bytes()).isEqualTo(90 * GB - CONTEXT);
    }

    @Test
    void writesBytesForReaders() {
        assertThat(MemoryBudget.text(200 * GB)).isEqualTo("200.0 GB");
        assertThat(MemoryBudget.text(12_340_000)).isEqualTo("12.3 MB");
    }
}
