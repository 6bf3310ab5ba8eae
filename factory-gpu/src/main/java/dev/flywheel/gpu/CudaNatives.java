package dev.flywheel.gpu;

import dev.flywheel.core.MissingEngineException;
import dev.flywheel.core.StoreException;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.DigestOutputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HexFormat;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Puts the libraries of CUDA, cuDNN and PyTorch in place from Maven artifacts alone, for machines that have a driver
 * and nothing else. To be called once, before the first model is loaded. Thread-safe. For Linux on x86-64.
 *
 * <p>It finds {@code org.bytedeco:cuda} and {@code org.bytedeco:openblas}, and for training
 * {@code org.bytedeco:pytorch} with the classifier {@code linux-x86_64-gpu}, on the class path. Their libraries go into
 * a directory, are checked against their sums there, and are loaded, so that ONNX Runtime and DJL find them without
 * LD_LIBRARY_PATH. Nobody's code is downloaded, and nothing is written elsewhere.
 */
public final class CudaNatives {

    /** The sums of the files in a directory, as {@code sha256sum -c} reads them. */
    private static final String SUMS = "SHA256SUMS";

    private static final String TORCH = "pytorch";

    /**
     * Not the JNI libraries beside them, which link to JavaCPP, nor stand-ins for what comes with the driver, nor what
     * handles images and archives.
     */
    private static final Pattern LIBRARY = Pattern.compile(
            "org/bytedeco/(cuda|openblas|pytorch)/linux-x86_64(?:-gpu)?/(lib(?!jni|cuda\\.|nvidia|npp|nvjpeg|nvcomp|nvblas)[\\w+-]+\\.so[.\\d]*)");

    private static final Logger log = LoggerFactory.getLogger(CudaNatives.class);

    private CudaNatives() {}

    /**
     * Puts the libraries that are on the class path in place, and loads them. Files that are there are kept.
     *
     * @param directory where to keep them; made if need be. Some 3 GB
     * @return the libraries that were loaded
     * @throws MissingEngineException if there are none on the class path, or none can be loaded
     * @throws StoreException if the directory cannot be written, or a file there is damaged
     */
    public static List<Path> install(Path directory) {
        List<Path> jars = Stream.of(System.getProperty("java.class.path").split(File.pathSeparator))
                .map(Path::of)
                .toList();
        return install(jars, directory);
    }

    static List<Path> install(List<Path> jars, Path directory) {
        try {
            boolean any = false;
            for (Path jar : jars) {
                any |= jar.toString().endsWith(".jar") && Files.isRegularFile(jar) && unpack(jar, directory);
            }
            if (!any) {
                throw new MissingEngineException(
                        "cannot put CUDA's libraries in place",
                        "there are none on the class path",
                        "add org.bytedeco:cuda with the classifier linux-x86_64-redist, or install CUDA and name its "
                                + "directory in LD_LIBRARY_PATH");
            }
        } catch (IOException e) {
            throw unusable(directory, e.toString(), "let it be a directory with 3 GB of room that can be written", e);
        }
        return load(directory);
    }

    /**
     * Loads the libraries that were put into a directory before, here or on another machine.
     *
     * @param directory what {@link #install} has made, or a copy of that
     * @return the libraries that were loaded
     * @throws MissingEngineException if none can be loaded
     * @throws StoreException if the directory cannot be read, or a file there is damaged
     */
    public static List<Path> load(Path directory) {
        List<Path> waiting = new ArrayList<>();
        try {
            Map<String, String> sums = sums(directory);
            if (sums.isEmpty()) {
                throw new IOException("there is no " + directory.resolve(SUMS));
            }
            for (Map.Entry<String, String> sum : sums.entrySet()) {
                Path file = directory.resolve(sum.getKey());
                if (!sum.getValue().equals(sha256(file))) {
                    throw unusable(directory, file + " is not what was put there", "delete the directory", null);
                }
                if (sum.getKey().startsWith(TORCH)) {
                    useTorch(file.resolveSibling(""));
                } else {
                    waiting.add(file);
                }
            }
        } catch (IOException e) {
            throw unusable(directory, e.toString(), "call install where the artifacts are on the class path", e);
        }
        return loadAll(directory, waiting);
    }

    /** Some need others, and none says in which order; what is loaded is found by its name from then on. */
    private static List<Path> loadAll(Path directory, List<Path> waiting) {
        List<Path> loaded = new ArrayList<>();
        UnsatisfiedLinkError last = null;
        int before;
        do {
            before = loaded.size();
            for (Iterator<Path> rest = waiting.iterator(); rest.hasNext(); ) {
                Path library = rest.next();
                try {
                    System.load(library.toAbsolutePath().toString());
                    loaded.add(library);
                    rest.remove();
                } catch (UnsatisfiedLinkError e) {
                    last = e;
                }
            }
        } while (loaded.size() > before && !waiting.isEmpty());
        // Some are for hardware that few machines have; an engine that needs one says so.
        if (loaded.isEmpty() && last != null) {
            throw new MissingEngineException(
                    "cannot load CUDA's libraries from " + directory,
                    String.valueOf(last.getMessage()),
                    "use the artifacts for this platform",
                    last);
        }
        log.debug("loaded {}; not {}", loaded, waiting, last);
        return loaded;
    }

    /** DJL loads PyTorch's libraries itself, and has to be told that they are for CUDA. */
    private static void useTorch(Path directory) {
        setDefault("PYTORCH_LIBRARY_PATH", directory.toAbsolutePath().toString());
        setDefault("PYTORCH_VERSION", "2.7.1");
        setDefault("PYTORCH_FLAVOR", "cu128");
        setDefault("PYTORCH_LIBRARY_EXCLUSION", "libjnitorch.so,libjnigloo.so");
    }

    private static void setDefault(String property, String value) {
        if (System.getenv(property) == null && System.getProperty(property) == null) {
            System.setProperty(property, value);
        }
    }

    private static boolean unpack(Path jar, Path directory) throws IOException {
        boolean any = false;
        try (ZipFile zip = new ZipFile(jar.toFile())) {
            Map<String, String> sums = null;
            for (ZipEntry entry : Collections.list(zip.entries())) {
                Matcher library = LIBRARY.matcher(entry.getName());
                if (!library.matches()) {
                    continue;
                }
                any = true;
                if (sums == null) {
                    Files.createDirectories(directory);
                    sums = sums(directory);
                }
                String name = (library.group(1).equals(TORCH) ? TORCH + "/" : "cuda/") + library.group(2);
                Path target = directory.resolve(name);
                if (!sums.containsKey(name) || !Files.exists(target) || Files.size(target) != entry.getSize()) {
                    sums.put(name, copy(zip, entry, target));
                    keep(sums, directory);
                }
            }
        }
        return any;
    }

    private static String copy(ZipFile zip, ZipEntry entry, Path target) throws IOException {
        Path parent = Files.createDirectories(target.resolveSibling(""));
        Path made = Files.createTempFile(parent, ".", ".part");
        try (InputStream in = zip.getInputStream(entry);
                OutputStream out = Files.newOutputStream(made);
                DigestOutputStream sum = new DigestOutputStream(out, sha256())) {
            in.transferTo(sum);
            sum.flush();
            Files.move(made, target, StandardCopyOption.ATOMIC_MOVE);
            return HexFormat.of().formatHex(sum.getMessageDigest().digest());
        } finally {
            Files.deleteIfExists(made);
        }
    }

    private static void keep(Map<String, String> sums, Path directory) throws IOException {
        List<String> lines = new ArrayList<>();
        sums.forEach((name, sum) -> lines.add(sum + "  " + name));
        Path made = Files.createTempFile(directory, ".", ".part");
        Files.write(made, lines);
        Files.move(made, directory.resolve(SUMS), StandardCopyOption.ATOMIC_MOVE);
    }

    private static Map<String, String> sums(Path directory) throws IOException {
        Map<String, String> sums = new TreeMap<>();
        Path file = directory.resolve(SUMS);
        if (Files.exists(file)) {
            for (String line : Files.readAllLines(file)) {
                String[] parts = line.split("  ", 2);
                Path named = directory.resolve(parts[parts.length - 1]).normalize();
                if (parts.length != 2 || !named.startsWith(directory.normalize())) {
                    throw new IOException(file + " has the line \"" + line + "\"");
                }
                sums.put(parts[1], parts[0]);
            }
        }
        return sums;
    }

    private static String sha256(Path file) throws IOException {
        MessageDigest digest = sha256();
        try (InputStream in = Files.newInputStream(file)) {
            byte[] buffer = new byte[1 << 16];
            for (int read = in.read(buffer); read >= 0; read = in.read(buffer)) {
                digest.update(buffer, 0, read);
            }
        }
        return HexFormat.of().formatHex(digest.digest());
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-256", e);
        }
    }

    private static StoreException unusable(Path directory, String why, String fix, @Nullable Throwable cause) {
        return new StoreException("cannot keep CUDA's libraries in " + directory, why, fix, cause);
    }
}
