package dev.flywheel.core.data;

import java.io.IOException;
import java.io.ObjectOutputStream;
import java.io.OutputStream;
import java.lang.invoke.MethodHandleInfo;
import java.lang.invoke.SerializedLambda;
import java.lang.reflect.RecordComponent;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Finds which component a method reference names. */
final class AccessorNames {

    private AccessorNames() {}

    static String nameOf(Class<?> record, Accessor<?, ?> accessor) {
        Objects.requireNonNull(accessor, "accessor");
        if (!record.isRecord()) {
            throw new IllegalArgumentException(record.getName() + " is not a record");
        }
        SerializedLambda lambda = lambda(accessor);
        String example = record.getSimpleName() + "::" + firstName(record);
        if (lambda == null || lambda.getImplMethodKind() != MethodHandleInfo.REF_invokeVirtual) {
            throw new IllegalArgumentException("an accessor of " + record.getName()
                    + " is a lambda, which has no name: pass a method reference such as " + example);
        }
        String name = lambda.getImplMethodName();
        if (!lambda.getImplClass().equals(record.getName().replace('.', '/')) || !isComponent(record, name)) {
            throw new IllegalArgumentException(
                    lambda.getImplClass().replace('/', '.') + "::" + name + " is not a component of the record "
                            + record.getName() + ": pass a method reference such as " + example
                            + "; the components are " + RecordType.names(record));
        }
        return name;
    }

    private static boolean isComponent(Class<?> record, String name) {
        for (RecordComponent component : record.getRecordComponents()) {
            if (component.getName().equals(name)) {
                return true;
            }
        }
        return false;
    }

    private static String firstName(Class<?> record) {
        RecordComponent[] components = record.getRecordComponents();
        return components.length == 0 ? "component" : components[0].getName();
    }

    /**
     * {@return what the compiler stored about a serializable lambda}, which serialization alone can ask for without
     * access to the module that the lambda lives in
     */
    private static @Nullable SerializedLambda lambda(Object accessor) {
        try (Capture capture = new Capture()) {
            capture.writeObject(accessor);
            return capture.found;
        } catch (IOException e) {
            // An object that is not a lambda and holds something that cannot be serialized.
            return null;
        }
    }

    private static final class Capture extends ObjectOutputStream {

        private @Nullable SerializedLambda found;

        Capture() throws IOException {
            super(OutputStream.nullOutputStream());
            enableReplaceObject(true);
        }

        @Override
        protected Object replaceObject(Object object) {
            if (found == null && object instanceof SerializedLambda lambda) {
                found = lambda;
                return "";
            }
            return object;
        }
    }
}
