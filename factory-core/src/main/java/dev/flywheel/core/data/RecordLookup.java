package dev.flywheel.core.data;

import java.lang.invoke.LambdaConversionException;
import java.lang.invoke.LambdaMetafactory;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.reflect.Method;
import java.lang.reflect.RecordComponent;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * What this library may touch of one record: everything where its package is open to us (always so on the class path),
 * otherwise what is public and exported.
 */
final class RecordLookup {

    private final Class<?> record;
    private final MethodHandles.Lookup lookup;

    RecordLookup(Class<?> record) {
        this(record, lookup(record));
    }

    RecordLookup(Class<?> record, MethodHandles.Lookup lookup) {
        this.record = record;
        this.lookup = lookup;
    }

    private static MethodHandles.Lookup lookup(Class<?> record) {
        try {
            return MethodHandles.privateLookupIn(record, MethodHandles.lookup());
        } catch (IllegalAccessException e) {
            return MethodHandles.publicLookup();
        }
    }

    MethodHandle constructor() {
        MethodType type = MethodType.methodType(
                void.class,
                Arrays.stream(record.getRecordComponents())
                        .map(RecordComponent::getType)
                        .toArray(Class<?>[]::new));
        try {
            return lookup.findConstructor(record, type);
        } catch (ReflectiveOperationException e) {
            throw inaccessible(e);
        }
    }

    MethodHandle accessor(Method accessor) {
        try {
            return lookup.unreflect(accessor);
        } catch (IllegalAccessException e) {
            throw inaccessible(e);
        }
    }

    /**
     * {@return an instance of a functional interface that calls an accessor directly, compiled like a method reference;
     * null where the record lives in another module or class loader, in which no class may be spun}
     *
     * @param method the name of the interface's method, whose type is {@code erased}
     */
    <F> @Nullable F generate(Class<F> face, String method, MethodType erased, MethodHandle accessor) {
        try {
            MethodType exact = MethodType.methodType(
                    erased.returnType().isPrimitive()
                            ? erased.returnType()
                            : accessor.type().returnType(),
                    record);
            return face.cast(
                    LambdaMetafactory.metafactory(lookup, method, MethodType.methodType(face), erased, accessor, exact)
                            .getTarget()
                            .invoke());
        } catch (LambdaConversionException e) {
            return null;
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new IllegalStateException("generated code threw a checked exception", e);
        }
    }

    private IllegalArgumentException inaccessible(Exception cause) {
        return new IllegalArgumentException(
                "record " + record.getName() + " is not accessible (" + cause.getMessage()
                        + "): make it public in an exported package, or open its package to dev.flywheel.core",
                cause);
    }
}
