package dev.flywheel.gpu;

import com.sun.jna.Memory;
import com.sun.jna.Pointer;
import dev.flywheel.gpu.GpuReading.Fault;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * Some calls, one after the other, with native memory for their answers: what the driver does not know is absent, and
 * what fails is kept. Once the GPU is lost it is not asked again. Not thread-safe.
 */
final class NvmlCalls implements AutoCloseable {

    /** As much as the newest library may take for an answer, the metrics of GPM, of which only a few are asked. */
    private static final long BYTES = 16 << 10;

    private static final long CLEARED = 256;

    /** As long as the library says that a name can be. */
    private static final int TEXT_BYTES = 96;

    private final NvmlLibrary library;
    private final Memory answer = new Memory(BYTES);
    private @Nullable Fault fault;
    private boolean answered;

    NvmlCalls(NvmlLibrary library) {
        this.library = library;
        answer.clear(CLEARED);
    }

    /** {@return where functions write their answers} Zero before the first call. */
    Memory answer() {
        return answer;
    }

    Optional<Fault> fault() {
        return Optional.ofNullable(fault);
    }

    /** {@return whether the function answered} */
    boolean ask(String function, Object... arguments) {
        return code(function, arguments) == NvmlLibrary.SUCCESS;
    }

    /** {@return what the function returns} What is neither an answer nor a way to say that there is none is a fault. */
    int code(String function, Object... arguments) {
        if (fault != null && fault.kind() == Fault.Kind.LOST) {
            return NvmlLibrary.GPU_IS_LOST;
        }
        int code = library.call(function, arguments);
        switch (code) {
            case NvmlLibrary.SUCCESS -> answered = true;
            case NvmlLibrary.NOT_SUPPORTED,
                    NvmlLibrary.NO_PERMISSION,
                    NvmlLibrary.NOT_FOUND,
                    NvmlLibrary.INSUFFICIENT_SIZE,
                    NvmlLibrary.FUNCTION_NOT_FOUND,
                    NvmlLibrary.NO_DATA,
                    NvmlLibrary.ARGUMENT_VERSION_MISMATCH -> {}
            case NvmlLibrary.GPU_IS_LOST, NvmlLibrary.RESET_REQUIRED ->
                fault = new Fault(Fault.Kind.LOST, says(function, code));
            default -> {
                // Once the device has answered, it is the question that does not fit it.
                if (fault == null && !(answered && code == NvmlLibrary.INVALID_ARGUMENT)) {
                    fault = new Fault(Fault.Kind.FAILED, says(function, code));
                }
            }
        }
        return code;
    }

    private String says(String function, int code) {
        return function + " says: " + library.words(code);
    }

    /** {@return the 32-bit number that a function writes to its last argument, which is not among these} */
    OptionalLong number(String function, Object... arguments) {
        return asked(function, arguments) ? OptionalLong.of(Integer.toUnsignedLong(answer.getInt(0))) : none();
    }

    /** {@return the 64-bit number that a function writes to its last argument} As it is: it may have no sign. */
    OptionalLong bigNumber(String function, Object... arguments) {
        return asked(function, arguments) ? OptionalLong.of(answer.getLong(0)) : none();
    }

    /** {@return {@link #number}, as thousandths} */
    OptionalDouble thousandths(String function, Object... arguments) {
        OptionalLong found = number(function, arguments);
        return found.isPresent() ? OptionalDouble.of(found.getAsLong() / 1e3) : OptionalDouble.empty();
    }

    /** {@return {@link #number}, if it is no more than an int} */
    OptionalInt small(String function, Object... arguments) {
        OptionalLong found = number(function, arguments);
        return found.isPresent() && found.getAsLong() <= Integer.MAX_VALUE
                ? OptionalInt.of((int) found.getAsLong())
                : OptionalInt.empty();
    }

    /** {@return the text that a function writes into the memory and length that it is given last} */
    Optional<String> text(String function, Object... arguments) {
        Object[] all = new Object[arguments.length + 2];
        System.arraycopy(arguments, 0, all, 0, arguments.length);
        all[arguments.length] = answer;
        all[arguments.length + 1] = TEXT_BYTES;
        return ask(function, all) ? Optional.of(answer.getString(0, "UTF-8")) : Optional.empty();
    }

    /** {@return the handle that a function writes to its last argument} */
    Optional<Pointer> handle(String function, Object... arguments) {
        return asked(function, arguments) ? Optional.ofNullable(answer.getPointer(0)) : Optional.empty();
    }

    private boolean asked(String function, Object... arguments) {
        Object[] all = new Object[arguments.length + 1];
        System.arraycopy(arguments, 0, all, 0, arguments.length);
        all[arguments.length] = answer;
        return ask(function, all);
    }

    private static OptionalLong none() {
        return OptionalLong.empty();
    }

    @Override
    public void close() {
        answer.close();
    }
}
