/**
 * Values of the service's environment file never leave the node: each that is six characters or longer, or four under a name
 * that tells of a secret, is replaced, as it stands there, without its quotes and backslashes, and, of an address, the password
 * alone; also the beginning of one at the end of a line that was cut. Lines are cut to 300 characters then. The file is read
 * by awk, and its values are compared as plain text: none of it becomes part of a pattern or of a script.
 */
export const mask = `
mask() { # lines on stdin, made whole before they are cut
  if ! command -v awk >/dev/null 2>&1; then
    cat >/dev/null
    printf '%s\\n' 'not shown: awk is not installed on the node, so the values of the environment file cannot be masked'
    return 0
  fi
  masked=$env awk '
    function add(text) {
      if (length(text) >= least && !(text in known)) { known[text] = 1; values[++count] = text }
    }
    function learn(text,   first, at, place, bare) {
      sub(/\\r$/, "", text); sub(/^[ \\t]+/, "", text); sub(/[ \\t]+$/, "", text)
      add(text)
      first = substr(text, 1, 1)
      if (first == "\\"" || first == "\\047") text = substr(text, 2)
      first = substr(text, length(text))
      if (first == "\\"" || first == "\\047") text = substr(text, 1, length(text) - 1)
      add(text)
      bare = text
      gsub(/\\\\/, "", bare)
      add(bare)
      at = index(text, "://")
      if (at == 0) return
      text = substr(text, at + 3)
      for (place = length(text); place > 0; place--) if (substr(text, place, 1) == "@") break
      if (place == 0) return
      text = substr(text, 1, place - 1)
      add(substr(text, index(text, ":") + 1))
    }
    function longest_first(   i, j, text) {
      for (i = 2; i <= count; i++) {
        text = values[i]
        for (j = i - 1; j > 0 && length(values[j]) < length(text); j--) values[j + 1] = values[j]
        values[j + 1] = text
      }
    }
    function masked_line(text,   i, at, done) {
      for (i = 1; i <= count; i++) {
        if (index(text, values[i]) == 0) continue
        done = ""
        while ((at = index(text, values[i])) > 0) {
          done = done substr(text, 1, at - 1) "***"
          text = substr(text, at + length(values[i]))
        }
        text = done text
      }
      return text
    }
    function without_cut_end(text,   i, at, from, end) {
      for (i = 1; i <= count; i++) {
        from = 1
        while ((at = index(substr(text, from), substr(values[i], 1, 6))) > 0) {
          end = substr(text, from + at - 1)
          if (substr(values[i], 1, length(end)) == end) { text = substr(text, 1, from + at - 2) "***"; break }
          from += at
        }
      }
      return text
    }
    function shortened(text) { # without the word that is cut: half a secret would look like none
      if (length(text) <= 300) return text
      text = substr(text, 1, 300)
      if (index(text, "\\033")) return "***"
      sub(/[^ \\t]*$/, "***", text)
      return text
    }
    BEGIN {
      file = ENVIRON["masked"]
      while (file != "-" && (getline text < file) > 0) {
        if (++lines > 2000 || count > 500) { blind = 1; break }
        least = 6
        if (text ~ /^[ \\t]*([#;].*)?$/) continue
        if (text ~ /^[ \\t]*(export[ \\t]+)?[A-Za-z_][A-Za-z0-9_]*=/) {
          if (toupper(substr(text, 1, index(text, "="))) ~ /PASS|PWD|SECRET|TOKEN|KEY|AUTH|CRED|PIN/) least = 4
          text = substr(text, index(text, "=") + 1)
        }
        learn(text)
      }
      longest_first()
    }
    blind { if (!told++) print "not shown: the environment file is too long to be masked"; next }
    { print shortened(length($0) < 4000 ? masked_line($0) : without_cut_end(masked_line($0))) }'
}
`;
