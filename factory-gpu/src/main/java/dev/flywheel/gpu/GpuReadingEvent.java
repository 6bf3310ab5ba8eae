package dev.flywheel.gpu;

import dev.flywheel.gpu.GpuTelemetry.Gpu;
import java.util.List;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.TreeSet;
import java.util.function.Supplier;
import jdk.jfr.Category;
import jdk.jfr.DataAmount;
import jdk.jfr.Description;
import jdk.jfr.Enabled;
import jdk.jfr.Event;
import jdk.jfr.FlightRecorder;
import jdk.jfr.FlightRecorderListener;
import jdk.jfr.Frequency;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.Percentage;
import jdk.jfr.Period;
import jdk.jfr.StackTrace;
import org.jspecify.annotations.Nullable;

/**
 * A reading of a GPU, or of a slice of one, for JDK Flight Recorder. What the driver does not tell is NaN, or the
 * smallest number. Off until a recording asks for it, and then once a second unless it says otherwise.
 */
@Name("dev.flywheel.GpuReading")
@Label("GPU Reading")
@Description("How a GPU is; what its driver does not tell is not a number")
@Category({"Flywheel", "GPU"})
@StackTrace(false)
@Enabled(false)
@Period("1 s")
final class GpuReadingEvent extends Event {

    @Label("UUID")
    @Nullable
    String uuid;

    @Label("Name")
    @Nullable
    String name;

    @Label("Memory Total")
    @DataAmount
    long memoryTotal = Long.MIN_VALUE;

    @Label("Memory Used")
    @DataAmount
    long memoryUsed = Long.MIN_VALUE;

    @Label("Utilization")
    @Description("Time in which any kernel ran")
    @Percentage
    double utilization;

    @Label("SM Activity")
    @Percentage
    double smActivity = Double.NaN;

    @Label("SM Occupancy")
    @Percentage
    double smOccupancy = Double.NaN;

    @Label("Tensor Activity")
    @Percentage
    double tensorActivity = Double.NaN;

    @Label("DRAM Activity")
    @Percentage
    double dramActivity = Double.NaN;

    @Label("PCIe Received")
    @Description("Bytes a second")
    double pcieReceived = Double.NaN;

    @Label("PCIe Sent")
    @Description("Bytes a second")
    double pcieSent = Double.NaN;

    @Label("Power")
    @Description("Watts")
    double power;

    @Label("Power Limit")
    @Description("Watts")
    double powerLimit;

    @Label("Energy")
    @Description("Joules since the driver was loaded")
    double energy;

    @Label("Temperature")
    @Description("Degrees Celsius")
    double temperature;

    @Label("SM Clock")
    @Frequency
    long smClock;

    @Label("Memory Clock")
    @Frequency
    long memoryClock;

    @Label("Throttles")
    @Description("What holds the clocks down")
    @Nullable
    String throttles;

    @Label("Processes")
    int processes;

    @Label("Fault")
    @Nullable
    String fault;

    private GpuReadingEvent(GpuReading reading) {
        uuid = reading.gpu().uuid();
        name = reading.gpu().name();
        reading.memory().ifPresent(memory -> {
            memoryTotal = memory.totalBytes();
            memoryUsed = memory.usedBytes();
        });
        utilization = share(reading.utilizationPercent());
        reading.activity().ifPresent(activity -> {
            smActivity = share(activity.smPercent());
            smOccupancy = share(activity.occupancyPercent());
            tensorActivity = share(activity.tensorPercent());
            dramActivity = share(activity.dramPercent());
        });
        reading.pcie().ifPresent(pcie -> {
            pcieReceived = pcie.receivedBytesPerSecond();
            pcieSent = pcie.sentBytesPerSecond();
        });
        power = reading.powerWatts().orElse(Double.NaN);
        powerLimit = reading.powerLimitWatts().orElse(Double.NaN);
        energy = reading.energyJoules().orElse(Double.NaN);
        temperature = reading.temperatureCelsius().orElse(Double.NaN);
        smClock = hertz(reading.smClockMegahertz());
        memoryClock = hertz(reading.memoryClockMegahertz());
        throttles = reading.throttles()
                .map(found -> new TreeSet<>(found).toString())
                .orElse(null);
        processes = reading.processes().map(List::size).orElse(Integer.MIN_VALUE);
        fault = reading.fault().map(GpuReading.Fault::why).orElse(null);
    }

    private static double share(OptionalDouble percent) {
        return percent.isPresent() ? percent.getAsDouble() / 100 : Double.NaN;
    }

    private static long hertz(OptionalInt megahertz) {
        return megahertz.isPresent() ? megahertz.getAsInt() * 1_000_000L : Long.MIN_VALUE;
    }

    /** {@return what records each GPU of a telemetry once, when the recorder asks} */
    static Runnable of(Supplier<GpuTelemetry> telemetry) {
        return () -> {
            for (Gpu gpu : telemetry.get().gpus()) {
                new GpuReadingEvent(telemetry.get().read(gpu)).commit();
            }
        };
    }

    /** Sees to it that the GPUs of this process are recorded, once a recorder is there. Done once in a process. */
    static void announce() {
        FlightRecorderListener unused = Announced.LISTENER;
    }

    private static final class Announced {

        static final FlightRecorderListener LISTENER = new FlightRecorderListener() {
            @Override
            public void recorderInitialized(FlightRecorder recorder) {
                FlightRecorder.addPeriodicEvent(GpuReadingEvent.class, of(() -> Nvml.OfThisProcess.TELEMETRY));
            }
        };

        static {
            // Adding the event itself would start half the recorder, which takes a second.
            FlightRecorder.addListener(LISTENER);
        }
    }
}
