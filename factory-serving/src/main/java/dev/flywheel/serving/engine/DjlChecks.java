package dev.flywheel.serving.engine;

import dev.flywheel.core.MissingEngineException;

/** What can be missing of DJL on a class path, found out without linking to it. */
final class DjlChecks {

    private static final String VERSION = "0.35.1";

    private DjlChecks() {}

    /** @throws MissingEngineException if DJL's own classes are not there */
    static void require() {
        require("cannot use DJL", "ai.djl.engine.Engine", "ai.djl:api:" + VERSION);
    }

    /** @throws MissingEngineException if DJL's classes or those of its PyTorch engine are not there */
    static void requirePyTorch() {
        String what = "cannot use DJL's PyTorch engine";
        String add = "ai.djl.pytorch:pytorch-engine:" + VERSION + ", ai.djl.pytorch:pytorch-jni:2.7.1-" + VERSION
                + " and ai.djl.pytorch:pytorch-native-cpu:2.7.1 with the classifier linux-x86_64, linux-aarch64, "
                + "osx-aarch64 or win-x86_64";
        require(what, "ai.djl.engine.Engine", add);
        require(what, "ai.djl.pytorch.engine.PtEngine", add);
    }

    /** {@return that DJL's classes are there, but not PyTorch's native library} */
    static MissingEngineException noNative(Throwable cause) {
        Throwable root = cause;
        while (root.getCause() != null && root.getCause() != root) {
            root = root.getCause();
        }
        return new MissingEngineException(
                "cannot use DJL's PyTorch engine",
                "PyTorch's native library is absent or does not load (" + root.getMessage() + ")",
                "add ai.djl.pytorch:pytorch-native-cpu:2.7.1 with the classifier linux-x86_64, linux-aarch64, osx-aarch64 "
                        + "or win-x86_64 to the class path, or let DJL download it with -Dai.djl.offline=false",
                cause);
    }

    private static void require(String what, String type, String coordinates) {
        try {
            Class.forName(type, false, DjlChecks.class.getClassLoader());
        } catch (ClassNotFoundException | LinkageError e) {
            throw new MissingEngineException(
                    what, "its classes are not on the class path (" + type + ")", "add " + coordinates, e);
        }
    }
}
