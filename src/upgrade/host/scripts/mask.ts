/**
 * Values of the service's environment file never leave the node: each that is six characters or longer is replaced, as it
 * stands there, without its quotes, and, of an address, the password alone. The file is read by awk, and its values are
 * compared as plain text: none of it becomes part of a pattern or of a script.
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
      if (length(text) >= 6 && length(text) <= 4096 && count < 500 && !(text in known)) { known[text] = 1; values[++count] = text }
    }
    function learn(text,   first, at, place) {
      sub(/\\r$/, "", text); sub(/^[ \\t]+/, "", text); sub(/[ \\t]+$/, "", text)
      add(text)
      first = substr(text, 1, 1)
      if (first == "\\"" || first == "\\047") text = substr(text, 2)
      first = substr(text, length(text))
      if (first == "\\"" || first == "\\047") text = substr(text, 1, length(text) - 1)
      add(text)
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
    BEGIN {
      file = ENVIRON["masked"]
      while (file != "-" && (getline text < file) > 0 && ++lines <= 2000) {
        if (text ~ /^[ \\t]*([#;].*)?$/) continue
        if (text ~ /^[ \\t]*(export[ \\t]+)?[A-Za-z_][A-Za-z0-9_]*=/) text = substr(text, index(text, "=") + 1)
        learn(text)
      }
      longest_first()
    }
    { print masked_line($0) }'
}
`;
