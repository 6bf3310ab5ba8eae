package dev.flywheel.serving.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.flywheel.core.MissingEngineException;
import java.io.File;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;

class WithoutTokenizersTest {

    /** The class path of this test, without the jars of these names. */
    private static URLClassLoader without(String... names) throws Exception {
        List<URL> places = new ArrayList<>();
        for (String place : System.getProperty("java.class.path").split(File.pathSeparator, -1)) {
            String file = Path.of(place).getFileName().toString();
            if (List.of(names).stream().noneMatch(file::startsWith)) {
                places.add(Path.of(place).toUri().toURL());
            }
        }
        return new URLClassLoader(places.toArray(URL[]::new), ClassLoader.getPlatformClassLoader());
    }

    private static Throwable failure(ClassLoader loader) throws Exception {
        Method embeddings = loader.loadClass(Texts.class.getName()).getMethod("embeddings", Path.class);
        try {
            embeddings.invoke(null, TextFiles.tokenizer(TextFiles.MINILM));
            throw new AssertionError("found a tokenizer");
        } catch (InvocationTargetException e) {
            return Objects.requireNonNull(e.getCause());
        }
    }

    @Test
    void saysWhatToAdd() throws Exception {
        try (URLClassLoader loader = without("tokenizers-")) {
            assertThat(failure(loader).getClass().getName()).isEqualTo(MissingEngineException.class.getName());
            assertThat(failure(loader))
                    .hasMessage("cannot tokenize text: DJL's tokenizers are not on the class path "
                            + "(ai.djl.huggingface.tokenizers.jni.TokenizersLibrary). "
                            + "Fix: add ai.djl.huggingface:tokenizers:0.35.1.");
        }
    }

    @Test
    void saysWhatToAddWhereDjlItselfIsAbsent() throws Exception {
        try (URLClassLoader loader = without("api-0")) {
            assertThat(failure(loader))
                    .hasMessage("cannot tokenize text: DJL's tokenizers are not on the class path "
                            + "(ai.djl.util.Platform). Fix: add ai.djl.huggingface:tokenizers:0.35.1.");
        }
    }

    @Test
    void explainsANativeLibraryThatDoesNotLoad() {
        assertThat(TokenizerChecks.noNative(new ExceptionInInitializerError(new UnsatisfiedLinkError("no glibc"))))
                .hasMessageContaining("does not load on " + System.getProperty("os.name"))
                .hasMessageContaining("(java.lang.UnsatisfiedLinkError: no glibc). Fix: use a platform that "
                        + "ai.djl.huggingface:tokenizers:0.35.1 has natives for");
    }

    @Test
    void keepsDjlFromReportingAndDownloading() {
        Texts.embeddings(TextFiles.tokenizer(TextFiles.MINILM));
        assertThat(System.getProperty("OPT_OUT_TRACKING")).isEqualTo("true");
        assertThat(System.getProperty("ai.djl.offline")).isEqualTo("true");
        assertThatThrownBy(() -> Texts.embeddings(Path.of("nowhere.json"))).hasMessageContaining("no such file");
    }
}
