package dev.flywheel.core.audit;

import dev.flywheel.core.FactoryException;
import dev.flywheel.core.StoreException;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.PublicKey;
import java.util.Optional;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The command that verifies a factory's audit log, offline and while the factory runs:
 *
 * <pre>
 * java -cp ... dev.flywheel.core.audit.VerifyAudit HOME [--key public.pem] [--checkpoint checkpoint.txt] [--print]
 * </pre>
 *
 * <p>It exits with 0 if the log is sound, 1 if it is not, 2 if it was not called so. Without {@code --key} it takes the
 * public key that lies beside the log, which shows damage, but not who replaced the log and the key together.
 */
public final class VerifyAudit {

    private static final String USAGE =
            "usage: VerifyAudit HOME [--key public.pem] [--checkpoint checkpoint.txt] [--print]";

    private final PrintStream out;
    private @Nullable Path home;
    private @Nullable Path key;
    private @Nullable Path checkpoint;
    private boolean print;

    private VerifyAudit(PrintStream out) {
        this.out = out;
    }

    /** Verifies the log and exits. */
    public static void main(String[] arguments) {
        System.exit(run(System.out, arguments));
    }

    static int run(PrintStream out, String... arguments) {
        return new VerifyAudit(out).verify(arguments);
    }

    private int verify(String... arguments) {
        if (!parse(arguments) || home == null) {
            out.println(USAGE);
            return 2;
        }
        try {
            return verify(home.resolve("audit"));
        } catch (FactoryException e) {
            out.println("NOT SOUND: " + e.getMessage());
            return 1;
        }
    }

    private int verify(Path directory) {
        PublicKey signer = AuditKey.readPublic(key == null ? AuditKey.publicFile(directory) : key);
        Optional<Checkpoint> known = checkpoint == null ? Optional.empty() : Optional.of(read(checkpoint));
        Consumer<AuditEntry> reader = print ? entry -> out.println(entry.line()) : entry -> {};
        AuditVerification found = AuditVerification.of(directory, signer, known, reader);
        out.println("audit log " + directory);
        out.println("key       " + (key == null ? "beside the log: pass --key to know who signed it" : key));
        out.println("entries   " + found.entries()
                + found.from().map(from -> ", from " + from).orElse("")
                + found.to().map(to -> " to " + to).orElse(""));
        out.println("chain     " + found.head());
        out.println("tree      " + found.root());
        known.ifPresent(earlier -> out.println("compared  with a checkpoint over " + earlier.size() + " entries"));
        out.println(found.problem().map(problem -> "NOT SOUND: " + problem).orElse("sound"));
        return found.sound() ? 0 : 1;
    }

    private boolean parse(String... arguments) {
        for (int i = 0; i < arguments.length; i++) {
            String argument = arguments[i];
            boolean more = i + 1 < arguments.length;
            if (argument.equals("--print")) {
                print = true;
            } else if (argument.equals("--key") && more) {
                key = Path.of(arguments[++i]);
            } else if (argument.equals("--checkpoint") && more) {
                checkpoint = Path.of(arguments[++i]);
            } else if (home == null && !argument.startsWith("--")) {
                home = Path.of(argument);
            } else {
                return false;
            }
        }
        return true;
    }

    private static Checkpoint read(Path file) {
        try {
            return Checkpoint.parse(Files.readString(file, StandardCharsets.UTF_8));
        } catch (IOException e) {
            throw new StoreException(
                    "reading " + file, "the file system says " + e, "check the path and that this user may read it", e);
        }
    }
}
