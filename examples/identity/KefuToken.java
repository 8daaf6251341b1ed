import static java.nio.charset.StandardCharsets.UTF_8;

import java.security.GeneralSecurityException;
import java.time.Instant;
import java.util.Base64;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

public final class KefuToken {
  public static String of(String id, String name) throws GeneralSecurityException {
    String secret = System.getenv("KEFU_SECRET");
    if (secret == null || secret.isEmpty()) throw new IllegalStateException("KEFU_SECRET is not set");
    Base64.Encoder encoder = Base64.getUrlEncoder().withoutPadding();
    String claims = "{\"aud\":\"KEY\",\"sub\":" + json(id) + ",\"name\":" + json(name)
        + ",\"exp\":" + (Instant.now().getEpochSecond() + 3000) + "}";
    String signed = encoder.encodeToString("{\"alg\":\"HS256\",\"typ\":\"JWT\"}".getBytes(UTF_8))
        + "." + encoder.encodeToString(claims.getBytes(UTF_8));
    Mac mac = Mac.getInstance("HmacSHA256");
    mac.init(new SecretKeySpec(secret.getBytes(UTF_8), "HmacSHA256"));
    return signed + "." + encoder.encodeToString(mac.doFinal(signed.getBytes(UTF_8)));
  }

  private static String json(String text) {
    StringBuilder quoted = new StringBuilder("\"");
    for (char c : text.toCharArray()) {
      if (c < ' ' || c == '"' || c == '\\') quoted.append(String.format("\\u%04x", (int) c));
      else quoted.append(c);
    }
    return quoted.append('"').toString();
  }
}
