package dev.flywheel.serving.text;

import dev.flywheel.core.MissingEngineException;

/** What can be wrong with DJL's tokenizers on a class path, found out without linking to them. */
final class TokenizerChecks {

    private static final String CANNOT = "cannot tokenize text";

    private TokenizerChecks() {}

    /** @throws MissingEngineException if their classes are not there */
    static void require() {
        for (String type :
                new String[] {"ai.djl.huggingface.tokenizers.jni.TokenizersLibrary", "ai.djl.util.Platform"}) {
            try {
                Class.forName(type, false, TokenizerChecks.class.getClassLoader());
            } catch (ClassNotFoundException | LinkageError e) {
                throw new MissingEngineException(
                        CANNOT,
                        "DJL's tokenizers are not on the class path (" + type + ")",
                        "add ai.djl.huggingface:tokenizers:0.35.1",
                        e);
            }
        }
    }

    /** {@return that their classes are there, but the native library is not usable} */
    static MissingEngineException noNative(Throwable cause) {
        Throwable root = cause;
        while (root.getCause() != null && root.getCause() != root) {
            root = root.getCause();
        }
        return new MissingEngineException(
                CANNOT,
                "the native library of DJL's tokenizers does not load on " + System.getProperty("os.name") + " "
                        + System.getProperty("os.arch") + " (" + root + ")",
                "use a platform that ai.djl.huggingface:tokenizers:0.35.1 has natives for, and let DJL_CACHE_DIR, by "
                        + "default the home directory, be a directory where a library may be written and loaded",
                cause);
    }
}
