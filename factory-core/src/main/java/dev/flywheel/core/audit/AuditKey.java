package dev.flywheel.core.audit;

import dev.flywheel.core.StoreException;
import dev.flywheel.core.io.Durable;
import dev.flywheel.core.io.Json;
import java.io.File;
import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.MessageDigest;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.Signature;
import java.security.SignatureException;
import java.security.spec.PKCS8EncodedKeySpec;
import java.security.spec.X509EncodedKeySpec;
import java.util.Arrays;
import java.util.Base64;
import org.jspecify.annotations.Nullable;

/**
 * The Ed25519 key pair (RFC 8032) that signs an audit log, by the JDK's own provider. Immutable and thread-safe.
 *
 * <p>A key that the host keeps away from the home directory protects more than one that lies in it: whoever can write
 * the home can read the latter.
 */
public final class AuditKey {

    private static final String ALGORITHM = "Ed25519";
    private static final String SECRET = "key.pem";
    private static final String PUBLIC = "public.pem";
    // raw keys have 32 bytes, at the end of the X.509 encoding (RFC 8410)
    private static final int RAW_BYTES = 32;

    private final KeyPair pair;

    private AuditKey(KeyPair pair) {
        this.pair = pair;
    }

    /**
     * {@return the key of a pair that the host keeps}
     *
     * @throws IllegalArgumentException if it is not a pair of Ed25519 keys
     */
    public static AuditKey of(KeyPair pair) {
        AuditKey key = new AuditKey(pair);
        byte[] probe = ALGORITHM.getBytes(StandardCharsets.UTF_8);
        boolean fits;
        try {
            fits = verify(pair.getPublic(), probe, key.sign(probe));
        } catch (IllegalStateException e) {
            throw new IllegalArgumentException("an audit key is a pair of Ed25519 keys", e);
        }
        if (!fits) {
            throw new IllegalArgumentException("the public key is not that of the private key");
        }
        return key;
    }

    /** {@return a new key} */
    public static AuditKey generate() {
        try {
            return new AuditKey(KeyPairGenerator.getInstance(ALGORITHM).generateKeyPair());
        } catch (GeneralSecurityException e) {
            throw unsupported(e);
        }
    }

    /** {@return the public half, with which anybody can verify} */
    public PublicKey publicKey() {
        return pair.getPublic();
    }

    /** {@return the public half as PEM text} */
    public String publicPem() {
        return pem("PUBLIC KEY", publicKey().getEncoded());
    }

    /**
     * {@return the public key of a PEM file}
     *
     * @throws StoreException if it cannot be read or holds another kind of key
     */
    public static PublicKey readPublic(Path file) {
        try {
            return KeyFactory.getInstance(ALGORITHM).generatePublic(new X509EncodedKeySpec(unpem(file, "PUBLIC KEY")));
        } catch (GeneralSecurityException e) {
            throw foreign(file, e);
        }
    }

    static Path publicFile(Path directory) {
        return directory.resolve(PUBLIC);
    }

    /**
     * {@return the key that lies in a directory; if there is none, a new one, which is on the disk with this call: the
     * secret half for its owner's eyes only}
     *
     * @param entries the number of entries in the log; without the key, none can be added
     */
    static AuditKey inside(Path directory, long entries) {
        Path secret = directory.resolve(SECRET);
        if (!Files.exists(secret)) {
            if (entries > 0) {
                throw new StoreException(
                        "opening audit log " + directory,
                        "its key " + secret + " is gone, but " + entries + " entries are signed with it",
                        "restore the key, give the key that the host keeps, or move the directory away, so that a new"
                                + " log begins");
            }
            AuditKey key = generate();
            // first, because it cannot be had from the other
            Durable.write(publicFile(directory), key.publicPem().getBytes(StandardCharsets.US_ASCII));
            writeSecret(secret, pem("PRIVATE KEY", key.pair.getPrivate().getEncoded()));
            return key;
        }
        try {
            PrivateKey own = KeyFactory.getInstance(ALGORITHM)
                    .generatePrivate(new PKCS8EncodedKeySpec(unpem(secret, "PRIVATE KEY")));
            return of(new KeyPair(readPublic(publicFile(directory)), own));
        } catch (GeneralSecurityException | IllegalArgumentException e) {
            throw foreign(secret, e);
        }
    }

    byte[] sign(byte[] message) {
        try {
            Signature signature = Signature.getInstance(ALGORITHM);
            signature.initSign(pair.getPrivate());
            signature.update(message);
            return signature.sign();
        } catch (GeneralSecurityException e) {
            throw unsupported(e);
        }
    }

    static boolean verify(PublicKey key, byte[] message, byte[] signed) {
        try {
            Signature signature = Signature.getInstance(ALGORITHM);
            signature.initVerify(key);
            signature.update(message);
            return signature.verify(signed);
        } catch (SignatureException e) {
            return false; // bytes that are no signature at all
        } catch (GeneralSecurityException e) {
            throw unsupported(e);
        }
    }

    /** {@return the 4 bytes that name a key in a signed note: the beginning of SHA-256(name, "\n", 1, raw key)} */
    static byte[] noteId(String name, PublicKey key) {
        byte[] encoded = key.getEncoded();
        MessageDigest sha256 = Json.sha256();
        sha256.update((name + "\n").getBytes(StandardCharsets.UTF_8));
        sha256.update((byte) 1);
        sha256.update(encoded, encoded.length - RAW_BYTES, RAW_BYTES);
        return Arrays.copyOf(sha256.digest(), 4);
    }

    private static void writeSecret(Path file, String text) {
        Path temporary = file.resolveSibling(file.getFileName() + Durable.UNFINISHED);
        boolean posix = file.getFileSystem().supportedFileAttributeViews().contains("posix");
        FileAttribute<?>[] owner = posix
                ? new FileAttribute<?>[] {
                    PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"))
                }
                : new FileAttribute<?>[0];
        Durable.delete(temporary);
        try {
            Files.createFile(temporary, owner);
            if (!posix) {
                restrict(temporary.toFile());
            }
            // a channel would give up in an interrupted thread
            try (FileOutputStream out = new FileOutputStream(temporary.toFile())) {
                out.write(text.getBytes(StandardCharsets.US_ASCII));
                out.getFD().sync();
            }
        } catch (IOException e) {
            throw new StoreException(
                    "writing " + file,
                    "the file system says " + e,
                    "check that the disk has space left and that this user may write there",
                    e);
        }
        Durable.move(temporary, file);
    }

    private static void restrict(File file) {
        boolean restricted = file.setReadable(false, false) && file.setReadable(true, true);
        if (!restricted) {
            throw new StoreException(
                    "writing " + file,
                    "the file system cannot keep a file from others",
                    "give the factory a key that the host keeps elsewhere");
        }
    }

    private static String pem(String kind, byte[] encoded) {
        String base64 = Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(encoded);
        return "-----BEGIN " + kind + "-----\n" + base64 + "\n-----END " + kind + "-----\n";
    }

    private static byte[] unpem(Path file, String kind) {
        try {
            String text = Files.readString(file, StandardCharsets.UTF_8).strip();
            String begin = "-----BEGIN " + kind + "-----";
            String end = "-----END " + kind + "-----";
            if (!text.startsWith(begin) || !text.endsWith(end)) {
                throw foreign(file, null);
            }
            String base64 = text.substring(begin.length(), text.length() - end.length());
            return Base64.getDecoder().decode(base64.replaceAll("\\s", ""));
        } catch (IllegalArgumentException e) {
            throw foreign(file, e);
        } catch (IOException e) {
            throw new StoreException(
                    "reading " + file,
                    "the file system says " + e,
                    "check the path and that this user may read there",
                    e);
        }
    }

    private static StoreException foreign(Path file, @Nullable Exception e) {
        return new StoreException(
                "reading " + file, "it holds no Ed25519 key as PEM text", "restore the file from a backup", e);
    }

    private static IllegalStateException unsupported(GeneralSecurityException e) {
        return new IllegalStateException("Ed25519 cannot be used with this key and this Java", e);
    }
}
