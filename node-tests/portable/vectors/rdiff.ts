// Made by scripts/make-rdiff-vectors.mjs with rdiff 2.3.2: not to be edited.
import type { Piece } from '../../support/pieces.ts'

/** A basis and an edited version of it, and what rdiff made of them. */
export interface RdiffVector {
  readonly name: string
  readonly basis: readonly Piece[]
  readonly edited: readonly Piece[]
  readonly blockLength?: number
  readonly strongLength?: number
  readonly signature: string
  readonly delta: string
}

export const RDIFF_VECTORS: readonly RdiffVector[] = [
  {
    name: 'a text of five bytes',
    basis: [
      {
        text: 'hello',
      },
    ],
    edited: [
      {
        text: 'hello',
      },
    ],
    strongLength: 8,
    signature: 'cnMBRwAAAQAAAAAIyRg+hTJNzwJ91KMK',
    delta: 'cnMCNkUABQA=',
  },
  {
    name: 'an empty basis and nothing new',
    basis: [],
    edited: [],
    signature: 'cnMBRwAAAQAAAAAg',
    delta: 'cnMCNgA=',
  },
  {
    name: 'everything gone',
    basis: [
      {
        random: 1000,
        seed: 1,
      },
    ],
    edited: [],
    signature:
      'cnMBRwAAAQAAAAAgKOyfM0NlJzqMqG+uOQi2vXTsKdjJvdkMfoIMiMw7KA3Mf8CZ95FQMpLuCw15BKFrN61QWAJqebLarfx8RtpN2qcm79M+R/ukrBkjzd2AhQ/FdhnZpYPPx62U8DAbYsOkJGntWnvjj3aPnD0JA4dxn9fKCWhLQE/vRpPlLeDuiRWE3yuZKGpzTeKEoTtUL1TJ',
    delta: 'cnMCNgA=',
  },
  {
    name: 'nothing changed, whole blocks',
    basis: [
      {
        random: 2048,
        seed: 2,
      },
    ],
    edited: [
      {
        from: 0,
      },
    ],
    signature:
      'cnMBRwAAAQAAAAAg13Wgs1tQuYaEiTJ8T6uiEjpDlZxIb6UrydjmMT0hpigLp0fPMyLyVaN1UjMSN/q2s5p+8BYAwUbA0d6oBVKoLlk7YvvuZB43Mz1uKs2mZ+7VrzZLOqj4xXx3ZiAI5yGCBFKwJRv+f5NqKj9h3RbcVgFZNx/1jmxkJ5Rjl3l3PXiAksOBRP2WKMAzso7vykeaz8B8RH0YNBDSaCjiohD51/qqmaan+AY36Tj+1QMyU/qlFuX1ha8NLFlUZwuAbn3/Rye+3/pz+i949ZJXzX+NJtlnHNeSzQd2VAs2ygkWekEJXxXu4HDEdv5CUWEMrlMFVTibfkQVQF9+WoV5L7zlwiXic5YeDfiv66se7daEDJp503c05OXswG4mN+TLaIZW',
    delta: 'cnMCNkYACAAA',
  },
  {
    name: 'nothing changed, a short last block',
    basis: [
      {
        random: 2049,
        seed: 3,
      },
    ],
    edited: [
      {
        from: 0,
      },
    ],
    signature:
      'cnMBRwAAAQAAAAAgzs/9+pQvhtvOEUphnQl6RrgqgglqAd+naKpRZY2UUKgsdp7vWsIG34+V52bNzlC4J24o8KwBLYdojW0uMmDtcXZ9INnXs6jggp1tkuR4OHcnoWzy+KyBaSYp8RImF3DLjD7XIG4gU+v6C80rc/qKU/HIYxFmSm1k8nxem+wiEc94oimzaWGkgwDPlnvxmtJXUyFrpYXt9PG+pwuAYduKVSUtJWVhibmFNhnKIfrS733p7xydGz/3xdUbBakMj+ntT6tVeF/4BBCX1UHco6XstKwSTLnO/ETfWUJ48pHH4uJV3is+iy9NF4M/QkU9roUNw98/xPwbnLslOlE12Go6g+7aPmz/LhIMjplo+lfAlwBroUqyVh59VEef3nEHrdSyCBBCtYBkv1+UXbpSGwF7s/MrMaKTpuFpRIONFx6p53+rCF6O',
    delta: 'cnMCNkYACAEA',
  },
  {
    name: 'an insertion between two blocks',
    basis: [
      {
        random: 1200,
        seed: 4,
      },
    ],
    edited: [
      {
        from: 0,
        to: 512,
      },
      {
        text: 'XYZ',
      },
      {
        from: 512,
      },
    ],
    blockLength: 256,
    strongLength: 8,
    signature: 'cnMBRwAAAQAAAAAIqX33s/uJpvzlelnYOMrxN6LIw3GxfSHhsz8PhOpHq1J56silkLwdA4Sw5ymqnSDpi0pIAQHGuLknASHj',
    delta: 'cnMCNkYAAgADWFlaSgIAArAA',
  },
  {
    name: 'an insertion within a block',
    basis: [
      {
        random: 5000,
        seed: 5,
      },
    ],
    edited: [
      {
        from: 0,
        to: 700,
      },
      {
        random: 300,
        seed: 6,
      },
      {
        from: 700,
      },
    ],
    signature:
      'cnMBRwAAAQAAAAAgdvTRkt7DhD1nnMhLA+YnACXRr3s8NhbBsXbqbx9tmuuhTG2Y7WRGXWnHY2aS/oi5wOLkSREuDYhx94YE/q0IUDk92aSW5m2Hqm/i2DORtENMtkJiO36wejgxU4UNFxOZS0XzeJilRmB7OhPL4EyHz3QvzP/72/FeJnr7GlDho46DpJGXBB+pOv0v5wT37tZXgrKyC6wPZmxs54tNO4sbyAlR4E1sCtW94VH0T4Layn8oc5BgB7S/DX8ET937Cv9HigVx9iA2dZCD74z4oXq9bpgqQXgzEizuTkzR3Bu5rB5zn912R+Z8SVgQ8nu4E/ZPLGatb+xEy0W9tf+rGL5AarRVPbzLIDkJvldkD+iPsEXBvtiMwfaa9OXJAB8dwLYRLKZUSnnaGFSb+1f82FTAofWhnAXoRXdR++xZ1VIa7DS6RKwp0LNcE1JREx4ZCvY3UiMu0dFa2spR5aXLnUrYdZ2zt7TDC96tSy9sgU491pnbT1v3NTKnImPVRW5SVnT6z3q6kbg6fg/h8J0IyaMadpi4r+939Ci1/Q3Xc7xRO6kauBNJ48FzWWaT/Adf6iq1vFbTuDfstUIKKbxbVSeSBkxjfe430QkljyzpaJUc/Xh+CVYp4UnkLzD5e8dUhL8pgWk3cPR7U36lhbQebr90854h94gXv6SxkS5bHiP2KEFO1pVU3ezP5mCA/uVWBcaQY3TJ0A+7EsdtPoveYsb+h5BBR5iSokSyIgxRLyegtzh3ZfWlyfGErDQmYOal3lF3W/y/Q2wqndZxoitrXFfcpQducBLFHH77E2eQx/QhBlawTUGzVQ4ZBXaNAj7bS09rt3/4/ooDxsQJ3dYcTJr8vEnmcpOcPy1jPAFEYDQfwpCU0iHuU5OhGIfrEflK3Bm6GZ1Zaho+q0JmZwQxWuidZLh1NPGxgwzOU9sAiiqfhwNM4OWvW/kAN9/WR5Fo15IB',
    delta:
      'cnMCNkYAAgBCAiy+bQZs/7VkAponFgCVxYvx9lTpkbA7xC2rRyi4hrX1PyBJzapqMto0SO/cUsHAFEXJq48qMSM4uJlSBzEE6ihnWKINq7sjCd/99GRkBF9I2nAcOGCGkRUtaglQAYvu+Rxk6bc6EuLfzayclkN6f5okHbsG8nX1WgUkicZWbCxVkFal05oIiDlRixoHEQMIgD5nTvUCp5rwSruNPzS+/+diT5DlBOYPTtc4jaTBws9w3wdQ0QylI8KpsP2izmJwPUK+QL8PAgbuoMBOpGcHFkg2Kd/VaKCC8H0uKbfIhqzzMSA0Kc0F3PgTpljCTlU/fjA7wdhOlqb/8rwcznx07tPwqbdIWGVXTSggBdLbSvN+fG7LCa6xpk3JCGJ6rDbEWbmYoitOq3kZ1FfMxjMtexK7tPfGO0UmqrZRwvvkAKF1BY2LSLBCUtYb0p3v5AUwu6TPDBg1NyjgX8HDR7r94lPX58YoXSX1yC77DjYnjy9PjQtJKSgBnNAMDRdNCJ52Nvs2FN/wZz8Eh5swIibmcVw2YrYlKgI/xT4P4Pv2tdmsq+wSWnwQgjU5C98YDtF+f7vmtcCiXMmyr9vl2r6SGKBOgCsmVP70PxLXnrg84SGRNgxJfSh8obvQp50cJgcxqrFHiBYOwkDlIgafjsUooqqXVZNd2Xvh/pECope/KhDwxihB6yc2aJ6E4CQRPPOkGQfsd+pfhnAhRfeIKVilCTxbuF1hCF2m1za/mk4fSgMAEIgA',
  },
  {
    name: 'blocks moved, doubled and dropped',
    basis: [
      {
        random: 4000,
        seed: 7,
      },
    ],
    edited: [
      {
        from: 2048,
        to: 3072,
      },
      {
        from: 0,
        to: 1024,
      },
      {
        from: 0,
        to: 1024,
      },
      {
        from: 3500,
      },
      {
        from: 100,
        to: 900,
      },
    ],
    signature:
      'cnMBRwAAAQAAAAAgO4frrKZvDCJE0Dl1pOKS2pWQEWWYssisBXdSkuf8gWFy2rMI2drvAbBdUC50jLFUAO4alicglcxonZX5HwGwcyRrkjnMOxn4mcGnQuYl5p6kfLRZI0FWqi5AcbhS6D0rJo86g7+3ai9TnBxJEwJpGc2cvOJF9rBqbBspOScVDFZJGmNW4s38VXVkztWoj8QYfaTI6q1haB7Loe1tVettlhdVg+K23xamrAIpZfpAd/0Bym06WTIwhA82U5iMjKcDHksmaZuRd4LLnVFiXAcZlMrkBI5EnnKfpdIal5xZ/Yo+CJZhnueXnX8sEjvj5x2oQKEBFfTJc+UYZJm+VW3B4NdewQGxQTL0Ad2c9NQ1VAYNMWP4YNutcGrNXirRKpGVpU92U7y73AcpDqFLIvK1g8eYMUOAHuFWmy0fnXV3XlHqXF6t1ehQk0vdPRiMUJICKoKT0xP3y7jKaOvgTIl62S9fCoTaE7LqO+CoQk2CG6uR7i/r+jxmv/WIwFej521LhLT/cF+iLyad0Xl9ItyG/UKLx2ZE0geo8NFtmJqCB2SwRxDl57lkG+TejB4W+rmpAjzEkZhyAZTPY2P7GAHMI9g/9HN16o+vsg0slNpR/QoL6LeKmxJy72wCYjksaTLOns8RAca+ZizeU3DKz5G5+0Q1rG/PNgSeCwnjJ4nVQOfcfY0PLSlPdxWlRgcTIjcZSpg85z/+QYCVytOOHlxlViOcW2ITo6NOlvM8LLHoaGB6ycKiiQgJ935WtGbjjACH',
    delta:
      'cnMCNkoIAAQARgAEAEYABABBVAkyvVVbRYOv0aBNLy9VidDgsUTtAAFh8UPwJgopTpXTailu/cgLE8zCWNgDDZEcUU6cr621NtWBPxj59JmejPJxdgdzxoZnQwSekcN++q7/vzR0PUoOAAEAQgE83T0g5BHJe5NMCUNHR3HcDqHLjN6Qi+75nFyake6GNTj/5ZN9LVEbA3O4CEDauhFzaeaCDeCkxJPEvpGCMxUIURP7MayZUQzqWCPrBUtCYOLk/648NW0RFhXr20dmzBnGiycU3zYfiTQdQ/8BqylIHgQUGwsVxgzMqSQEOvxth7DAOQCCewGQnAoL4UbrJsub2sSFlvJuAL16o5zVMhk7qQVFsxJImwy2hnMPCm8WyG+mE/iNUA5/RZ517hpv74FO5WFjH/u7CAdmypp4ybnrkj4nqLw1SFd7KUDJ54yBkvkQbonrwS0SVOUT8JWTpU09ouBZ2IJXCdXTnxdP2hXPmNUIagjSKKjDnCkRMloB8g7zX4HyFMLkWS646vnqDFQUUmbx4FjP9njBcNnfcoFoxw/am+8TMUL7F3lqPUoBAAIAQYQ36tOZvuGdD3+cF93lya3xCPz6PjnfrkWGF2a4+4tyRLSHtm0BimULfIhOm5CpDbhQGn96H62wJHlzXCRECLZGQS1HT9C7qdm4kPZMrthYZi2vGoSgDpJDzod+2maqs3nZ68p19m1hO3G6ymVMQIPEPXeI9De/SRTVXjfBIxKAp8ZetXwA',
  },
  {
    name: 'a short last block that is not last any more',
    basis: [
      {
        random: 1000,
        seed: 8,
      },
    ],
    edited: [
      {
        from: 0,
      },
      {
        text: 'more',
      },
    ],
    signature:
      'cnMBRwAAAQAAAAAgQuNC5rAfUqleKenvE0HaWmN+lLTPEwY+3QV3CsJ4Wu/xhFvrlN8j9ZyKWNFr6cue/Kzq7UW/QTv9Te5TrcssqhTJs64tBmWf6PKFwZCCwCLlRATlZiyCEgYHLFb6EjXzT3EOwL5cL+ermyb3EXnwqFBzrzm9kaglWzhEp45Abu7xpAruKTbHPhtWSxSM7mtv',
    delta:
      'cnMCNkYAAwBB7FpfT9vVs3VKWnvsXGxzO/LkAcsHAas422KXJ8Z8bfz8+rHiLTvjjibk9y0Hy1+IFe1ieSvcEX/Tzn3tchppvS3josSlFWlizDPXySmEdvkrwO3zyxrt/NK6gEY73g+o96Z/4YtrOq/yJWNNMG7DpAOnvCwiGMhNu4M1F6wH5YqCr/frs2PDpBmnpzjzhLxnRNhh9bbMu7rZF3bjZMLqdgvaxKQHHcwsWBsBBkTE0ezU39Q63MTbopWHIU1ICkgfyOLKBINmoBWGcqV+T5cWmBYAcgseolPG+9QxuzB18Q9RSgaZ0JCo8B5tb3JlAA==',
  },
  {
    name: 'zeros',
    basis: [
      {
        fill: 10000,
      },
    ],
    edited: [
      {
        fill: 9000,
      },
      {
        text: '!',
      },
      {
        fill: 3000,
      },
    ],
    signature:
      'cnMBRwAAAQAAAAAgVRAcAStpcCqIkkik1mIEdaEF3M1eDUIwrKikkqr2UQ5V1VsCVRAcAStpcCqIkkik1mIEdaEF3M1eDUIwrKikkqr2UQ5V1VsCVRAcAStpcCqIkkik1mIEdaEF3M1eDUIwrKikkqr2UQ5V1VsCVRAcAStpcCqIkkik1mIEdaEF3M1eDUIwrKikkqr2UQ5V1VsCVRAcAStpcCqIkkik1mIEdaEF3M1eDUIwrKikkqr2UQ5V1VsCVRAcAStpcCqIkkik1mIEdaEF3M1eDUIwrKikkqr2UQ5V1VsCVRAcAStpcCqIkkik1mIEdaEF3M1eDUIwrKikkqr2UQ5V1VsCVRAcAStpcCqIkkik1mIEdaEF3M1eDUIwrKikkqr2UQ5V1VsCVRAcAStpcCqIkkik1mIEdaEF3M1eDUIwrKikkqr2UQ5V1VsCVRAcAStpcCqIkkik1mIEdaEF3M1eDUIwrKikkqr2UQ5V1VsCVRAcAStpcCqIkkik1mIEdaEF3M1eDUIwrKikkqr2UQ5V1VsCVRAcAStpcCqIkkik1mIEdaEF3M1eDUIwrKikkqr2UQ5V1VsCVRAcAStpcCqIkkik1mIEdaEF3M1eDUIwrKikkqr2UQ5V1VsCVRAcAStpcCqIkkik1mIEdaEF3M1eDUIwrKikkqr2UQ5V1VsCVRAcAStpcCqIkkik1mIEdaEF3M1eDUIwrKikkqr2UQ5V1VsCVRAcAStpcCqIkkik1mIEdaEF3M1eDUIwrKikkqr2UQ5V1VsCVRAcAStpcCqIkkik1mIEdaEF3M1eDUIwrKikkqr2UQ5V1VsCVRAcAStpcCqIkkik1mIEdaEF3M1eDUIwrKikkqr2UQ5V1VsCVRAcAStpcCqIkkik1mIEdaEF3M1eDUIwrKikkqr2UQ5V1VsCVRAcAStpcCqIkkik1mIEdaEF3M1eDUIwrKikkqr2UQ5V1VsCVRAcAStpcCqIkkik1mIEdaEF3M1eDUIwrKikkqr2UQ5V1VsCVRAcAStpcCqIkkik1mIEdaEF3M1eDUIwrKikkqr2UQ5V1VsCVRAcAStpcCqIkkik1mIEdaEF3M1eDUIwrKikkqr2UQ5V1VsCVRAcAStpcCqIkkik1mIEdaEF3M1eDUIwrKikkqr2UQ5V1VsCVRAcAStpcCqIkkik1mIEdaEF3M1eDUIwrKikkqr2UQ5V1VsCVRAcAStpcCqIkkik1mIEdaEF3M1eDUIwrKikkqr2UQ5V1VsCVRAcAStpcCqIkkik1mIEdaEF3M1eDUIwrKikkqr2UQ5V1VsCVRAcAStpcCqIkkik1mIEdaEF3M1eDUIwrKikkqr2UQ5V1VsCVRAcAStpcCqIkkik1mIEdaEF3M1eDUIwrKikkqr2UQ5V1VsCVRAcAStpcCqIkkik1mIEdaEF3M1eDUIwrKikkqr2UQ5V1VsCVRAcAStpcCqIkkik1mIEdaEF3M1eDUIwrKikkqr2UQ5V1VsCVRAcAStpcCqIkkik1mIEdaEF3M1eDUIwrKikkqr2UQ5V1VsCVRAcAStpcCqIkkik1mIEdaEF3M1eDUIwrKikkqr2UQ5V1VsCVRAcAStpcCqIkkik1mIEdaEF3M1eDUIwrKikkqr2UQ5V1VsCVRAcAStpcCqIkkik1mIEdaEF3M1eDUIwrKikkqr2UQ5V1VsCVRAcAStpcCqIkkik1mIEdaEF3M1eDUIwrKikkqr2UQ5V1VsCVRAcAStpcCqIkkik1mIEdaEF3M1eDUIwrKikkqr2UQ5V1VsCVRAcAStpcCqIkkik1mIEdaEF3M1eDUIwrKikkqr2UQ5V1VsCVRAcAStpcCqIkkik1mIEdaEF3M1eDUIwrKikkqr2UQ5V1VsCC7QJwZTBwIjMlFOZZ3ljCtOvRcvZKBSCjdeEzyqhLfldG4r+',
    delta:
      'cnMCNkYAAQBGAAEARgABAEYAAQBGAAEARgABAEYAAQBGAAEARgABAEYAAQBGAAEARgABAEYAAQBGAAEARgABAEYAAQBGAAEARgABAEYAAQBGAAEARgABAEYAAQBGAAEARgABAEYAAQBGAAEARgABAEYAAQBGAAEARgABAEYAAQBGAAEARgABAEYAAQBGAAEAKQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAhRgABAEYAAQBGAAEARgABAEYAAQBGAAEARgABAEYAAQBGAAEARgABAEYAAQBBqAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAEknABAA',
  },
  {
    name: 'blocks of one byte',
    basis: [
      {
        text: 'abracadabra',
      },
    ],
    edited: [
      {
        text: 'a cab drawer',
      },
    ],
    blockLength: 1,
    strongLength: 4,
    signature:
      'cnMBRwAAAAEAAAAECBBChokoquYIEEKHblwfRQgQQpfOpAfKCBBChokoquYIEEKI7VQCKQgQQoaJKKrmCBBCiQDRFlEIEEKGiSiq5ggQQoduXB9FCBBCl86kB8oIEEKGiSiq5g==',
    delta: 'cnMCNkUAAQEgRQQBRQACASBFBgFFAgFFAAECd2VFAgEA',
  },
  {
    name: 'strong sums of one byte',
    basis: [
      {
        random: 3000,
        seed: 9,
      },
    ],
    edited: [
      {
        from: 1000,
      },
      {
        random: 65,
        seed: 10,
      },
      {
        from: 0,
        to: 1500,
      },
    ],
    blockLength: 100,
    strongLength: 1,
    signature:
      'cnMBRwAAAGQAAAABUGaSfM968aCQqcHXdmEUqtk25MAnys+hlXeD0cQ1J8ooqKcSokuCYZV9udNtec+wWKEYg++9SLFpCvCMuYby3sTbH80yP8dQxHZ6ngTU2+52xEDszcSV9dz6SZxF03u0U84n2VLFdbbamY6QV2ZWtx+AWqL95s2iTniSxvO8sb14J80x4wtezDPf/nkB8EZlacRFpZew',
    delta:
      'cnMCNkoD6AfQQUHRbLw2vIxohWBWPifG8/Oh9V4scJkDmqmMpclBI5SiaCXfifE0Yp2YZGOu1MXCnq7xwLmX3IliX+pb+aFxUbjxUEYABdwA',
  },
  {
    name: 'literals of 64, 65 and 256 bytes',
    basis: [
      {
        random: 1024,
        seed: 11,
      },
    ],
    edited: [
      {
        from: 0,
        to: 256,
      },
      {
        random: 64,
        seed: 12,
      },
      {
        from: 256,
        to: 512,
      },
      {
        random: 65,
        seed: 13,
      },
      {
        from: 512,
        to: 768,
      },
      {
        random: 256,
        seed: 14,
      },
      {
        from: 768,
      },
    ],
    signature:
      'cnMBRwAAAQAAAAAgBAH0AzEiekK+1pyalkwsl799dfqxcOQ5SGFIVeK0Y+2fyTfiBj5ZxQ04dLmXLg9MSLW++hS7ZgSbRt8pJD4aSlv14NiDlGOIKY01lL0MgUDcNXEU3pIBcRLUi9Wu9XLFz330p/zP39zH100atXDKIEwfKzr+tZiaEaYaEppzaQFu+7OeYRFbM8vZb56qFu3b',
    delta:
      'cnMCNkYAAQBAxMEQ+CdGXYKJrbFu37/3rQIy8u1iSlGA2xKH6V7QR4ZrO9NoZM8g3W8OMY9I9vYkq+iucN1FIENUAwZOm2D5ZkoBAAEAQUEK9J/DQUpVq9WrpYQuBJjp+GHUQEJoXz6a/gZev7XPsVoKXCIZV7rj4a9TcVGIcVYdOHWhz4aQAVKbv1IcekvAzUoCAAEAQgEAUDj415k4R59j8RbU9T4/l5VlOsq/2QkglF3GV8ds7ku9LDpXeIA7e3c82SbfY7zc3duHifOdsiFp353nhxiFmGFdGXx02LuhuU9er4YAMJg57P+aJ0WnupMB98jKdP5e1qM/SoWC0B34frlaotVNQe6LUf8YTkyN6VzMvCgum28HHJAyfcotydXnU6wMjQiXA5p+gUSjuIITyXl0Bulf19CyLPMfMgSNViIYdd8ASzO6kCwixIHQS+cQ/P4nygUYVTXZi+R6E7Tpe3lox48DTJ615ynvWUb5UtbftH5+tA2/FFM+vjM4K12kRz1+a971Q/kKBfp0EM4qT6SAnqB0mUoDAAEAAA==',
  },
  {
    name: 'positions of one, two and four bytes',
    basis: [
      {
        random: 70000,
        seed: 15,
      },
    ],
    edited: [
      {
        from: 65792,
        to: 70000,
      },
      {
        from: 0,
        to: 30000,
      },
      {
        text: '.',
      },
      {
        from: 30000,
        to: 69000,
      },
    ],
    blockLength: 4096,
    strongLength: 12,
    signature:
      'cnMBRwAAEAAAAAAMUkkbOobc1/oFXI3pPSOG4mEQuo05w/gFaYaXdeLzrBqBf0Wo/tKkC6SqakC/eBjOOBVM6dc8h0ejYA3zFiUHQWJq7f1UXHimQvvonJFgCohlIHUxh5twCFLgxGxEf7yuzgMkXUhr6epccUuobWH3gx551ZfR/W+k0jkElnVXD4R6Vwdc4aZGoE3HJLJUOI60BIFIfSFAUxLcZWwBmMoqOqK0IckRkARSk908xA2ukaVJYsMTKBPqXfWKw+eP8493odT5K8UquxnKPw5HLx+IVqSF3nlYWoAP4DNs6La1X+nmS1u4z/FzmshesdmqzlaczCQMYOfh3KpaJ+43UdS8EY2yBC2QGNR7XJOBwaRTGwS05znIQFCKHiHQ3K6mx3wt',
    delta:
      'cnMCNkIQcKzq6+U9dEfPbNC3vMmQq0Yxbn8GU9O7b5oIwjXAm/EXQac2I/ayQqPZQZq3Ce4oYJKGsCPUIT75prEggtuopOnqNF3J4CqSrtC7gKABZNVBOpB1BrX5I0n06zmm1hkXzvh9p0T7oFd8RHUTuVfKTt/uOZbVzP6Hk/fDAaT3NEb2A9V+GL9v70eCeMv+yNOUq3kHc7CiIt4jmjQ6IEHHs0PvFrE7FX6b5EQ2+sxNZKMBlMgfMqZoF+dp2tvwIgcbactpacCNHWbRC7NIP8YqpZp7CcPmwYnSWYQ+hEdG1mZmRa4KOHIVUuRBAriYcv4SjGzwAqpBrxKcVEkwX4VWxKs9RoWOoNesPNg8gNHyDcc1Yhobmo/uwsvU6rtqAcZrGKWPBv11WC6R8HCYBElhjQZgL+CabsB7i0usxLtmfJQHi095HiH23NVrp7cvPXPW59uAFNOCokw/6GzNYWjSVSGmuuard2Qx0zTAlOSda6EMa5rbTqLIQQeja4vIrbZvfZ8kpThbyEZ8eoS4qtINRMN5vJraDnCSnps8IKqdaNENWPYYoXV5mlrNdj91qBg780h4aJT9m6UU8H9vUFYecaueF9NICw8D0jcPruwpryPuwKrcm/G+9MuMBSZmwOvtw/25ieRFOon+7/wfbIqF2La04p6JD+8WhC/6Iay9xq4F87uns2BuidNLJ4t5U09xIlIiss2kg+2bqV87xupHLLV0Jnmv2LRPQWH5ENsT8dI/5bZCJCyYzBN9SKw7o5NdWkuz36ct82YANRDo2TKhB7lz2OMu29//eEddkQMKTzyHkqc1euvUGXDnnlJ6XcIcw71NvlqOM2xknNM6fi6a7/Dezrdj6xtVdZ0ELyUBHHY290z/k1i8pPyOHWbab4yNkwt5m+fDLlXGvW3/vB5prMi4ikDAo3PgjbD29VmmioXUjYDVU42DNMiA3eVmVz/xAvcXBbd4NYq0f6WLAF/K+DN/LRfHNLTJseP3IQa/0xnMbv0XbDFz5PBugZgYTiw1d1DCW101lWe6cGX0o6eGWWktc9M33gqFm1dIMkI/r0gpIX0roqi1ic7su0KknF9wrmjPYqBvWPEEuz1fG2GnJlX3M6ZRXIJK8xlsoiTyZbujzVUwFy4GG51qjif4JtoCgZMYum7YYZVb3CkbGskFKpCuBTC2XWqqHVrVQ9Lo0/BjIX3hYRLB+MY7lPZdHg3uTWyyaMEdXDDMxfxBAxMcDRC0tCVJ2Spdoyr4c+lp1ExwllnqmCqdKzJdKwbyoZEHH7FsH5j+VEN0yc7RLr7uIYLPrZ01Xu+zQ2AY9UM6hpXZKy7u+Q5NQ/2nbeDrtbZLAlL+v40DWi+UADZM9sE4+VPZJ2GCvaK1Idz+rOaGFms5OuW+a4Bw64xuSBHG01zG2gBneFjjlIe0JQWOSbiAdRm1cm2OalbGnAbxdCjTtJTQQ+g7mvWVLWmyREm0hOc+lu/lVuksfsdc5GEkHMXHSLeKmxfEhOCMoKlOK0+96TnFmpszIDeK8kNlwWpUQrPvC4ET3PbK/pBztL503P+HDwRAtrEP05BeQhQOuHSyumJS7/MS+xFPvB7b+23YhC4xvGT6ynX1g2v1w6VzQ2d4Wg0W+hKflq1RjQTOEV8+vUIpsYDevMiUM928vIepcVO4wFzzdj8irel5mOzvKt5LUy5zaURzHJPF+dvoUuBDUnXc9UUeSC3m7tXVcoSo8Fmdii+Yd6Ywe88tJzJe7257yH185NurrexW3aTpV7AbRwAgso1Gq0/L6iHSVgjW5nQW7wd/FA/U/5K1+CZ3QL2jcOy47jmELl6Ua5O5HBZT527+DLDxXzas+Bee21MNGyttjIGnKsR9tq/UFzzWSLy7Oz9MczC1RvPFrYocdnKZv0ZRVSMiUJi+ph4JcPpzpWOjI/VecKaCNMUKaJQ/8MTEWNk9tCy60EavjmDWJLjiEO0skSBsuT5F6tIdDIXEUpe8WAvnv5xdOJiiHWH4BRViU80y+pr9cUKmepeNgjwcT1aSwrB98CSmra4IYIbUitJm2mLwMij8ET5MGKjoyGlQ1vy06YRfuerMyF0Tpz+ulpVqv1i3jj8E5vaQcLVUEf0rqc63pLZFtMQT/Y5MPfrkcgb/W5ondWC+TTqO6fFEAnwaAwcB33cHzD73R/FXeKvMjwCECJ4F9rjpgeVCp4jxe5oqmhlPeHCg0pdPNMPD6iXseGGrnTqDXw6D2NymLGU7p+I4IWIZ5xmRaY35q7LFZjLmUkBvS/ANc6DlMDadp21a5B39KsEFEpH6fQ6ObT8QRzeuQkoKSphN/OvyqxTwuRE6Is+/cOt7EcfNg0V8LcqgJapDbvN026dXvgOpPquLi+ZEV0sSb8TLWmod0uj6Pg9lxibVFy0nViAQb86hqh89dhbiQmpv3m5pgHojqseJHcPPX0xE92AhLXVocip4dC7THBonKry5lVPy1271PGITO2lS/Fimf2LrleviKgztO9BZahOqnLQW//h8AVtCteUR8FUb/8k0t2H8Z81SFQL/RIvbwQ21vN0ocZxrShuQgg2FLhQablILXhuT6Er9s0FQWSkiws81g7P3bWl3LXU86T8IPUJKl2uraN8TGmN3xNnI7MrCTBKP2MGjsDjA1jzFLHigEAFCvaMqd6xqSM9nBZYjKg6b6PEOrWle6fykjQ/wQtcHlb/+bBeZw8+pwseeNIhjoRLBxjAOatpiv73/zleQN/cFTPb+fh9jgfi5LhGwhH7skKSDG9We5EWUsPJdo4m8kzqo2q5XybrHtj7ZHTbisWKp6pUv5qrB/9Mp9OsGs2OgcUpveLicuARQLDjLXXaRX/u7du3qGsjLsvuvE/4dcLr7caqFPSR0UN1TXRzQVEwCRdzl0/k2CmIB74neshI0DbfIhpmyUbJ2PRRicQAhGsGtw/vawXgaHh8HBYXiBl/UkTLDF7Q4TOKDFOePLW2CPFGJ928X370v4NtlX3puNdeutyLq0IG7x+8LS/eqQ6hZ+5iWmc1c3idA+yqbtGb+8+nZqG3J4vRDvj7WRYq+luHklYyFkXziJ0lsKMTVutluJU+PoTTtnJuXZ4748Zplx2W6FLU3jZ2+ovlt+ibnpKLdfhOidOdinsRaOPu92J3NW1YirIlfSeF4KUL8lB5lzrtf8ze8H8pwun1D1S/pkQ2oLWwec3OR79UfhtMebJWXzyp5j6MEmFJAlJyt7jX74l/VbWF1mwjb3vJ9z/TG2+7ts0KuYsQ/wc9FRmgHTjtqaQXUAZJx0ahqDMRsL9Hiu/XQEs3R39en0o2DZaezvmnsIURMqE9VmlecBUytVyzWtssM/aLh5s2t8qTDNcAsJKaKt3+eoJhx+5gvKMMpdgzWTuYrJErcNJdwpibuyHBRMXFRnRBYapH9BxSiRiad9a5SOdvfhPb1vFda8uN2eo7f4HFTrNE0y1vFGZzuoLFwRMeZJ2GLNkzXQlupJLgeSXxkgmHPDmvRe8eNlPnxsr4hrOWnaRnuscGAam3Bu3nZQnto+PaSq3HH6P0jIOVg+2CzNoxPCxKg6vyCy0iVqS/XgCWp+zTL+s5Sly0QDKYGy+EXrU0BZisGwvECZVciovmwQBpSJ40Ix42F+WspQzVwwrDNWSPqcqKSlayTJsC+SpXjzgg00gLAlG/kRnORqPISQ5Z3YiZhDSKtNGUCYurnROMSy2X+FNiP/wbXWlg+ZXKP6vGvvWY6y+JFMcF81rlyRQiO6HletUmeT/Bdbx7gy3LTrFVPUiagPFJKJ5Wfa1ujyiIQ1Fuvxx64pEA6pAXeQdMpgz2w4hA3jVoh5ToAupvzEiCGshdUE8yYhzDBF79hqQBuQTMd5KWb4Dj72joqXeCrW0Uq6Mc28aB4rHf0wYitOzNJZ3sSohy3qsWWj9H6k7R1KrwaQlR6AsBM04WfdW7hV2NpV3jBt1Ob3ZVKoVLSSSh9xwW5p3du2PK3lnR3aBUHb+9O6WEkhv2verKCONoJlruF1El0gkOg23c69FbIXojipQE0WeccaedNUJT54rlyd+JD4IvKJObHFgKyyJAxbnhfhGWRsFG7gISjliigJImFgb+upvAp9npeqPvADA9pxiWxBIhZJ/A7rv0rvSiH3tUz35msN+K8aokYHGnZnKj4HBtUkWWEVuxRyllY7ST8Lfg/tCjXrwpPgj1KZDpMnnmKlY+C0W8wPrJYw9xsL3kRDkp/N1chPE+DYl+exh0vqf51lwXGZ1Tkis/YX+PmCl6Qav3qFX7UviS67/v5o7tQJy9Tm2XWtkt0A3bjNGpruUGB/+/NPGeMhSZLCZG0ou4gbPFNHX+nSzSJG4sBixH7/vH8f6CNHOw0TXB04c0JE7uL4yEKw+EzQXehapO0kH41L7bh+J7p1v+zf99KtiQA3Ypq+qUsUGMu7j503jCF79gSgWx+98OVKLVofNaXxO5/R0muemz04A+sANE5bh7GMntBDL0sf66VZURQ3fXLRFjwktRUd9DW4uc5yZIlj/syON0RPg3mwwhPx9uTCcOD3M+0Wuu7EuK5T1xBBH2WIqrP56+j/q9Q39E7iy0yvOTvQyREjaqH92EWm29rC1LMiG8MAmecNUjSQXa+JYCD+HqrSQ5hasijDaLi9BlEtnZgV9/peOj5sHijxMmjg2sUIaO3nIvvUeMrhSbCXXTjLKkIpgDnZ4O7SubzDQUZAacURkcYjE5JjfwdlJaPTAmYsSetGDlOjd0Vv9qtRft4SjQ5hDJV0Ckr9FG2Vd+Koq67RK0s2e1qcrG6dcSLNIPhsW7ayBa0pKy+HDNrp+SantcHZb2U7fS6UxKCA40l7Amr7VV1++Gey1bLVo4o1XN0AzlJgzoS5CbphbVxCRyl0iIB3uUOvmRKik2p/f9AsCCftYnE/21WrsUSZyrHrBmO8dQtxOiAHfNDsPPPSKDIGRmfAS1AnEvpgh1XdaGkWc/ib3ReNoDEgYy9vitIfQxrKlTW9W0StgfsB6NXpJLtgvT7lguexoDJoMSEG4o7QObKw3iKKpT6VlkUNK//XxZOmSy8tabo0n+geN6zT0pueBfjbbLVlc9Q3j9gh25LmdxZsjYNBkzzEE+4feO1RsI3YdR7gZ3pTiHDJSaRjNgEib1JtXen3nVN8PEzzTFYlVB1KetlRqaAIdCmjGTYVAX+u/zw5DP+SwAv2kZEfE3TF41Ter7K6Jzwi2eXT4OjCmFbWrWulArGA1w+nT3/fLJTwk1KskitIfkDfV+Cji06xhJp1FaGhtUceJlOV2+wn5WJaC9NFqONAsZSeOaeUmmC631tG6J2kp8A3N/PUhgliWJLW0jtmxbBWV19vgiYrR4npWJ9Ppc5p7dobE34oxrdiUF0WsHm8NbdUSk0cBJUoPnDCwST2Hx65OGR2quI+gZb3+4aLoNffMX21JAYjeiwHnMlNO0IdxrFib7aOlXxtC1aau9PvSCCsUZCPjZ2NmSIGfJWa5QCQrZup1Ekoy2mWy+dfdO34eDBeBnS+jWqj8RkeQqA53ZkydoA4nXrjRyX/1FeakRmBLvSKXSUdqvKJ8wo/CueAZq0PFcowZH0Ku9fp2ZsCOD8VMXcmaKrEZg+gRrVRgBwAEIQAYOf58fsUS8N0IsKIF/zgxURHXXVRfnCZeL2oCPMTHC7sELVgv9xK48cH7LVJec9aHUh7k4owtCCzpPT0en6XtC6+L4BxyNRudCamLs9M6n6GxC+rj+x3eQ3EMSqPMrPnax7x4jTerWI2FoESBOUgTIZUuhyuzSTkC9QHnGhvPBAt1ri2JEYmxMqvcz1QRogI4MDghAkL0b30olLEPtKGH4I+hfNEFgFGNvLw89pJBS0Ql4qAao0j52ndrxdILLeUI3tkjArV+vVhsIQYMqrI6IGl8LsK8Zi4HnVxa8uEVydcS1me1Y4SDQwMgdDKF8LRy5lIX6kYc2edRK19GxvGnG4ILbGBCtao13nrPW1MavK5YIoHWaiv26MXWGbn52hqRdOcacOb6TeAL4UMAm3h1n2INr75+GsvD1GP+cadWHm1KB6wQaQ7WtGam2ybJSaWBZRpSssZ17/N0qOaj6nZdsFcwjuyu30dxtHYCkldZuQDsvEm9Hz/nT8d0uhKbuCiAt5zNdyX3ZJzmFHnDssTb3CNy6s9aJPopU1Q6lIlmT6DpJ9u3TZT0hYlWBmyVFkVt8Gn8z1CtOub1j3z1C5HDFMTNSTVl+OQM5QT7LwKKCHe+JrVfMDmBmEtvtOsDPyfJnpFU+/o5e/jeUQeuDwn1R0NKoWgh/1ZSgI5EIXUEpDNbK58UyGXUBf/V5bLXGz+rAcYYpHS4xRaQfMurkOp1gnjUrkcNzP5+s4+KQqa04FSzN4nAzBqc5OSnLGK+Do2oFcS1mlt1M0xFIU2ygXUujGhwFbyvYnOj+JYjr047U92xNvu6Fmey7KRJo5JIqUyuBR5QIiIioWhaZFRjs0CPsMQBPWa7GjV5n84Vlrc92zwEmSe7ahuopl/dXGtQb/q4rBBtgZhW3BYG3j41LYbAJQGJKknxv0sRAXjSTIttEbTveovE3+psCRWoAEt7+KjilwdmDjMhvphvO8Yfg0le0BzCfy0cgPL3tJaW2vz7lSuQqXwmSeDoLSsJtuhMS/qgnANi1Szx3aQdZLdEsDZ+VUK5UbvyvPfsunlv+8o2sOcTVC4GIzXNBtDu3aHvdRSZ8T2Mf0P6iJydlPJZmX6pH8olQYafUzzLNR9SIhVaG551sRoYhpxTCMYQfBHgqOp4xRzLoIQFHnDxmiJmHWAXsFKMWyE5ZBVM/QzOuXNPd2ZNnqcJcAokxnT8NHHY+0UcENVdi3aNcXVsXAn1/ArtwzQ8EzbQ/qLhtkOya9g9Xuck95ffGHet44G5yZCf0EVrvCbjbRazcNz+AoApBReVhhNReMtsCXUc9z3MMCDI6jlaTLG4mMe8snrpmYSFzSvdkghAADv3D/7jA4e46uGPg32r6EJqxQkgn9JUSTaiGrE8gwmzVti5yLVEg/xsyOUyut/NZn5wRj3oKaWS4kfcQWyjNhR8xiKYTyA0hfP8r6Bz0Gx3rbcZ37OYNyrzxy+OsMT0FPXsgnxHhqRyJ2rzLW59coxuyBb2u7GzxJq7Kz9PERhH59alQc7pvRkb/HQoooPBtSz5QOnPLj5/cecX1n2GJ0RjVAp3aeZjjL8aaRXfoYRoMCfH8o/i3Rn1HCE6t2T2lYls7A5bBlJnDGfIuQNpU7FB7ou9cO3fuSZG/GsIRIhMG0ew0ifbM4JKkbcOLkCkr8VRBQMbJodCHgGFjQUffrDYpJvfKjbatGkLN8yoZW/kcXxHI/8bA1iXrmoIsL+gc34xr29lQXFT4qqIKbXOO53a1v5HwVte9VQix3Lpm2nFUfbQHj0cz/4RyuF8S3WZqScSTfTGR35KMpTEDlg1sW5OIclHxZ2KoZ1AKAQO0Pd85eAqPtKkQNk7CkEyflZmio0ThBclaxVMQsk0NNcUU/uNt72I7yQ9IB2aDx8XmDgEsN6WyI7+RUy+FRr6lG0n3OZHYIp6/Vls/sQkpKhBlD8xhksi4fhccUbGqlTU5Tk1Ji2bWSMJ2BLIcd60ByPJt2J+664WQla3pzWCzW1ewlGec+Coqj1W99eD7VXB5a/BPg3yhEpX5jGol/8OsJs//kMbH3drHrTj78yM05e/McGI11lqLIJCqGA8427+6jLBgeJShl/vNTtGN7uRu8XXE4ONDOBhw6353VG+Zma12fmEEZ2g1k6SIRLeweWsoM0f64CpYma0Y1BQ422LiN6dDoN/gkpIj/ZgP0W1y+ZPl8SIyZWafvlGlrZw7z6myJZWIij6VFLO0ql+HfFvWTvjI2QkpAchvn7EkhQ3brdcz/w1dYknuW8sXqWxoqQ1Yf/LMEqbWe1Fr8m5N/XheBMP/by3ZQUVnSkHPuE95BWSJlUF9mtcB3ejwZDug25LJQsptjkC7uabS5zhBjiCbOfEGcLxXonmEn2zQk3oG2HeB3L0GOFTPZuFSxv7rQ6UEQLzi73QL9fjwFBOqtWXboXO/w2NSbvpziA6N6GgzNH/446IPw8lN8S2HfSwejmg1iCwB354V7dmlpjF3JbvZmRZqZ6HMynFvI86Awcu1kpEp+hZq66WUqPm518uspzoTYptOw1yzkTLZNWr+E7K9eNQHUj/q7o4k+4cA42FcMyJtiCvl0fNFypAtMtXkXkf4qMXnR7kKfx2/zuUI0vinLGxMlWAEaWsHefAFT7eCMMNGjhH63SEo/7dG6TXdIXFwnfS6JG/+MTp2O4DTEmppndJLRMMz6DCAKYJCS83c39Z0bS5A8e1HNX6MaQd7IWrZdh4R364knmVRb2qtmm0+BlZEkZiWXvO7rn6cK87sS3I6c+fRZr0WWogzRLx+dDxIfNAbo5o6jfsb9w5LwCohgaPMCppOkNKMSg525v8UydMkmz6YpOhKG90IZGR74MI7FGGcDuZjfLDafBnDRckxxemgtYW71UPJmKJjFyocpLge+a1eY3wVYiG7ci22ZNlHAVXrEKbEadGEoNgJCu2fUeJfP7PWeqJVg+tnbdZSKZJ5bTMC+s+psta/s0q42y8MeSvpKG8H8TD5m3/PeZOdg85BfJf3MZdN0lS70ORZfW9hk9s5BdJtwn1Q31jmnOVRueHNaqf9o4Y+R1i+GpJu4fQ4s+JAppk8dXTM8uEBMLNdBCCKPue9AWey3kDqALLO7eiCUalnWJs7RxjfwWf9/tu9Xo7rSnep2MJkIMosblU9SPGTiIAxjsVaqs/zyxuxd0P3TWGVlABGawj1i9tvL/Fw4qh/yVdoz5hYb3ZPzmJEPuR5WeiOovDB/OsOD8QWgMTc8QCpdi3Enmxm9BdL2JkEuJgvW0JW3EDBNGisb7Wr0hubiHoRu+4q23ntKbrt4e7qz9amsLGHZ9/t2gBfTnxbPa4YngJtNKwzTqVq/T9ppeDJ82YqEfIC1lVgqT9lCcXsvsUKbzEf5aVWn8YtZkP8pAxwdthCGSLfREfh4/yaAooZ2XNy/UuiLASwHE7ZnUxdj8hb9UlRKIq3zCWxXdAjtGSlMYVaCVv197G2WMHLw2e+C+T66ULPBcpsdFlRYkoAlEWwsReZ2NeHqXRPs93MAJ25ljRGotIUNhWS6XaJYs/W70qQWx/DyaX7RbPhek3HhnuuGczzTt4n3Ch02FHmxJfkF9dLd6P3Clj+zODHoVwugTGMBAX5TDxGLIkfajPJrNpGVwVxjSIJpiAAl+4yXtRsfpsizfZuhYltETKNbhKNrhuGdwO1YYXAseSK5G08kKzvsM1j00JqMvgW9lJJs/TwydrXxlnlrTiB5URQ4u55CuBNm5mTzieSvumy718vPD/gNNpB3ZaAisRJ9kYS7Xj7yeIeRITwu2S6daQM5gweDWbvnPd83B5kti5BbsL+nT0wnAzIecojuQy4X1x7SW8VHZMJruPvXI+k9Bk5us9TF+mFo+qkLr6Ugom0GVqzREO3hrLkc15JxZVW5nwfXK5YJGNMOeRNFsFDX+3NwYDbrOETW786d1obsXocnjuhcCGg8YNSkEhk/6hqLenOQ8GraPg0Z0cvYf6IByI3jX76xwe6wkWScg2N759Uuj69diDujhMaHpHYWLp7f+9Yly/my/PizKKElZ6zPojjStsPB38Zn7baMTi5qaeP7uCWypCzZwj9ZgTlvJRrjZed3auESn7KMZSlcwVs5sYsMFUbLaYhSZSUp6itXtgDqPx7KM0mcK/n/hLdKKd1uAa9IXZn5x0X0ZGhMe6kYZuBNQY5gnSnym4aowaUW19CjH/XzzC2haSYnblhjJFPXsCJ9SDwT45/NzmIoeRRFN5mGAnbfT+w9wr2ibD6xweyNebD439uxPiOEPEGStXip0IUrlHfR3iMr3sdUGYRERPXFSDAwzmkr80REwk/KveuTP+iRd3Bni6+0pOEpQuSsz8uvqEAEHxIHqZ92nBeF0YAvQyYxofPGRkXEA4enJsb3EfISOhLAlDp6+d4YspKLDxSOQbRBaTvSwAwX8D99rnqr65+/55T4+j+u1PGU2UDyTzH/vQwoQ0hBBJw2BGwweBhdvSXORh3sg1h1bIilydQNiJGnCJqZLbFTJrXbuVhqbCBWe+Q8j+3UKNil192FmyD/GDcYrpwd9KR8tdDmMDKzq/igsZ7xa3SNHh1U8cTmxplU0SdHwIneEwx9OddzEJHbNkMYORZe7IQ0oMi7q/z535eTkAZq1F3LMtNoDJhnGUznMr0rF29oe4CUHrRsDqgTkB07KZvkNJ5Wud3q2PGbAdCN+Ha0WS41OPERNbIeVqxpwlrzspTYlyKT0QwSJRiYuDvE5nhU7XCaQIEIh+x9/pdHoKZ32F1nPrq18bRSU2Z4V7Vtdfuc+oK2Fpzz/RqbREHFIOEmRWduj4e4CY2p+bADayee+Ir3z/P/UEGhHpb3SJwaHjC3+gV0FLajmo9WoXUyJ0qaWlY7EjUn2CZUPV3OAG06dP/iDcULZMXirkFtqoN9lWC0xDEmYbgJvtOkKbRW8CpQhH4xT3T1qybXbODa5wE4IeLT70AFyynyutB8L4HuIdDoM1hXQJ9onwv3mdZUtKQLCd3eWQxAi+QHx6Z0xvZGC853K9MFsY09OGUA1RoLNrgzm8M4+ElHcicQrM+kgoQUeczSV748uPv1ikXFVOi+Xj+XCKZTknGmmlpkEWq8Jd5TDfqaOMFgEPJmIEGiG33JeyHOGs7A2b98OXUUxYXzyxqMYaU0f56I0HBogObG1WWgK8iGM2hcb63WeoTOK8+BeuBUFfStrJHQyxrlR9Y2a5xxCp6o/j+cGhonEa6KKc3zYecN8cx8gjwXyTJ5WZOl619dU/YmM/xgxtaipW9luy+JER4gd15SR6hhsGFXQWAR53y01F0Wys/fr8SSVX93Xpzx1k+FZ7ZOYt9itJgKcqEheMFxXR4GDjo9Xzuy4WaXrahjwEzdoaxq2qz8NmND6HGAmcMg3v7oJkmAJmWJkItZay/7fnigMry/oDt3GwqRZEjEgxTcvA8Hnu2/Be1KIRo/fMN0SoAAgABCDYhD/0FTFwwccFGauVlSXvuGb4BSZKvd1vivI8baqk8O+nhJmr65BdZw3u71/kvDohm/crL6lW1xbCPM/b2LVtNQOatoHVg5vzRCRLxPkwcxbT4hSdb/dwrj89RYQG0ixmKobc0wxfgVIjjh2F72Wjjw6YUF/W4yRS2kcyNcIA7pOrVvDjcykcpuzyW6rbmZjFD5VBcHpXZviZRdGptAgXhpEb7zSVgnMR/sR8baZmcdBqFLr+omx5HeJjQpRx4bl1GT9WsEJlgS7arqG/rbjrhEJn0tdZyR7GblRa3q5aZOCr/YkgdQdAE6pEoFS6Wp+Xqis10ko7K9D0D4PwB2gTpBrOrr5T10R89s0Le8yZCrRjFufwZT07tvmgjCNcCb8RdBpzYj9rJCo9lBmrcJ7ihgkoawI9QhPvmmsSCC26ik6eo0XcngKpKu0LuAoAFk1UE6kHUGtfkjSfTrOabWGRfO+H2nRPugV3xEdRO5V8pO3+45ltXM/oeT98MBpPc0RvYD1X4Yv2/vR4J4y/7I05SreQdzsKIi3iOaNDogQcezQ+8WsTsVfpvkRDb6zE1kowGUyB8ypmgX52na2/AiBxtpy2lpwI0dZtELs0g/xiqlmnsJw+bBidJZhD6ER0bWZmZFrgo4chVS5EECuJhy/hKMbPACqkGvEpxUSTBfhVbEqz1GhY6g16w82DyA0fINxzViGhuaj+7Cy9Tqu2oBxmsYpY8G/XVYLpHwcJgESWGNBmAv4JpuwHuLS6zEu2Z8lAeLT3keIfbc1Wunty89c9bn24AU04KiTD/obM1haNJVIaa65qt3ZDHTNMCU5J1roQxrmttOoshBB6Nri8ittm99nySlOFvIRnx6hLiq0g1Ew3m8mtoOcJKemzwgqp1o0Q1Y9hihdXmaWs12P3WoGDvzSHholP2bpRTwf29QVh5xq54X00gLDwPSNw+u7CmvI+7Aqtyb8b70y4wFJmbA6+3D/bmJ5EU6if7v/B9sioXYtrTinokP7xaEL/ohrL3GrgXzu6ezYG6J00sni3lTT3EiUiKyzaSD7ZupXzvG6kcstXQmea/YtE9BYfkQ2xPx0j/ltkIkLJjME31IrDujk11aS7Pfpy3zZgA1EOjZMqEHuXPY4y7b3/94R12RAwpPPIeSpzV669QZcOeeUnpdwhzDvU2+Wo4zbGSc0zp+Lprv8N7Ot2PrG1V1nQQvJQEcdjb3TP+TWLyk/I4dZtpvjI2TC3mb58MuVca9bf+8HmmsyLiKQMCjc+CNsPb1WaaKhdSNgNVTjYM0yIDd5WZXP/EC9xcFt3g1irR/pYsAX8r4M38tF8c0tMmx4/chBr/TGcxu/RdsMXPk8G6BmBhOLDV3UMJbXTWVZ7pwZfSjp4ZZaS1z0zfeCoWbV0gyQj+vSCkhfSuiqLWJzuy7QqScX3CuaM9ioG9Y8QS7PV8bYacmVfczplFcgkrzGWyiJPJlu6PNVTAXLgYbnWqOJ/gm2gKBkxi6bthhlVvcKRsayQUqkK4FMLZdaqodWtVD0ujT8GMhfeFhEsH4xjuU9l0eDe5NbLJowR1cMMzF/EEDExwNELS0JUnZKl2jKvhz6WnUTHCWWeqYKp0rMl0rBvKhkQcfsWwfmP5UQ3TJztEuvu4hgs+tnTVe77NDYBj1QzqGldkrLu75Dk1D/adt4Ou1tksCUv6/jQNaL5QANkz2wTj5U9knYYK9orUh3P6s5oYWazk65b5rgHDrjG5IEcbTXMbaAGd4WOOUh7QlBY5JuIB1GbVybY5qVsacBvF0KNO0lNBD6Dua9ZUtabJESbSE5z6W7+VW6Sx+x1zkYSQcxcdIt4qbF8SE4IygqU4rT73pOcWamzMgN4ryQ2XBalRCs+8LgRPc9sr+kHO0vnTc/4cPBEC2sQ/TkF5CFA64dLK6YlLv8xL7EU+8Htv7bdiELjG8ZPrKdfWDa/XDpXNDZ3haDRb6Ep+WrVGNBM4RXz69QimxgN68yJQz3by8h6lxU7jAXPN2PyKt6XmY7O8q3ktTLnNpRHMck8X52+hS4ENSddz1RR5ILebu1dVyhKjwWZ2KL5h3pjB7zy0nMl7vbnvIfXzk26ut7FbdpOlXsBtHACCyjUarT8vqIdJWCNbmdBbvB38UD9T/krX4JndAvaNw7LjuOYQuXpRrk7kcFlPnbv4MsPFfNqz4F57bUw0bK22MgacqxH22r9QXPNZIvLs7P0xzMLVG88Wtihx2cpm/RlFVIyJQmL6mHglw+nOlY6Mj9V5wpoI0xQpolD/wxMRY2T20LLrQRq+OYNYkuOIQ7SyRIGy5PkXq0h0MhcRSl7xYC+e/nF04mKIdYfgFFWJTzTL6mv1xQqZ6l42CPBxPVpLCsH3wJKatrghghtSK0mbaYvAyKPwRPkwYqOjIaVDW/LTphF+56szIXROnP66WlWq/WLeOPwTm9pBwtVQR/SupzrektkW0xBP9jkw9+uRyBv9bmid1YL5NOo7p8UQCfBoDBwHfdwfMPvdH8Vd4q8yPAIQIngX2uOmB5UKniPF7miqaGU94cKDSl080w8PqJex4YaudOoNfDoPY3KYsZTun4jghYhnnGZFpjfmrssVmMuZSQG9L8A1zoOUwNp2nbVrkHf0qwQUSkfp9Do5tPxBHN65CSgpKmE386/KrFPC5EToiz79w63sRx82DRXwtyqAlqkNu83Tbp1e+A6k+q4uL5kRXSxJvxMtaah3S6Po+D2XGJtUXLSdWIBBvzqGqHz12FuJCam/ebmmAeiOqx4kdw89fTET3YCEtdWhyKnh0LtMcGicqvLmVU/LXbvU8YhM7aVL8WKZ/YuuV6+IqDO070FlqE6qctBb/+HwBW0K15RHwVRv/yTS3YfxnzVIVAv9Ei9vBDbW83ShxnGtKG5CCDYUuFBpuUgteG5PoSv2zQVBZKSLCzzWDs/dtaXctdTzpPwg9QkqXa6to3xMaY3fE2cjsysJMEo/YwaOwOMDWPMUseKAQAUK9oyp3rGpIz2cFliMqDpvo8Q6taV7p/KSND/BC1weVv/5sF5nDz6nCx540iGOhEsHGMA5q2mK/vf/OV5A39wVM9v5+H2OB+LkuEbCEfuyQpIMb1Z7kRZSw8l2jibyTOqjarlfJuse2PtkdNuKxYqnqlS/mqsH/0yn06wazY6BxSm94uJy4BFAsOMtddpFf+7t27eoayMuy+68T/h1wuvtxqoU9JHRQ3VNdHNBUTAJF3OXT+TYKYgHvid6yEjQNt8iGmbJRsnY9FGJxACEawa3D+9rBeBoeHwcFheIGX9SRMsMXtDhM4oMU548tbYI8UYn3bxffvS/g22Vfem411663IurQgbvH7wtL96pDqFn7mJaZzVzeJ0D7Kpu0Zv7z6dmobcni9EO+PtZFir6W4eSVjIWRfOInSWwoxNW62W4lT4+hNO2cm5dnjvjxmmXHZboUtTeNnb6i+W36Juekot1+E6J052KexFo4+73Ync1bViKsiV9J4XgpQvyUHmXOu1/zN7wfynC6fUPVL+mRDagtbB5zc5Hv1R+G0x5slZfPKnmPowSYUkCUnK3uNfviX9VtYXWbCNve8n3P9Mbb7u2zQq5ixD/Bz0VGaAdOO2ppBdQBknHRqGoMxGwv0eK79dASzdHf16fSjYNlp7O+aewhREyoT1WaV5wFTK1XLNa2ywz9ouHmza3ypMM1wCwkpoq3f56gmHH7mC8owyl2DNZO5iskStw0l3CmJu7IcFExcVGdEFhqkf0HFKJGJp31rlI529+E9vW8V1ry43Z6jt/gcVOs0TTLW8UZnO6gsXBEx5knYYs2TNdCW6kkuB5JfGSCYc8Oa9F7x42U+fGyviGs5adpGe6xwYBqbcG7edlCe2j49pKrccfo/SMg5WD7YLM2jE8LEqDq/ILLSJWpL9eAJan7NMv6zlKXLRAMpgbL4RetTQFmKwbC8QJlVyKi+bBAGlInjQjHjYX5aylDNXDCsM1ZI+pyopKVrJMmwL5KlePOCDTSAsCUb+RGc5Go8hJDlndiJmENIq00ZQJi6udE4xLLZf4U2I//BtdaWD5lco/q8a+9ZjrL4kUxwXzWuXJFCI7oeV61SZ5P8F1vHuDLctOsVU9SJqA8UkonlZ9rW6PKIhDUW6/HHrikQDqkBd5B0ymDPbDiEDeNWiHlOgC6m/MSIIayF1QTzJiHMMEXv2GpAG5BMx3kpZvgOPvaOipd4KtbRSroxzbxoHisd/TBiK07M0lnexKiHLeqxZaP0fqTtHUqvBpCVHoCwEzThZ91buFXY2lXeMG3U5vdlUqhUtJJKH3HBbmnd27Y8reWdHdoFQdv707pYSSG/a96soI42gmWu4XUSXSCQ6Dbdzr0VsheiOKlATRZ5xxp501QlPniuXJ34kPgi8ok5scWArLIkDFueF+EZZGwUbuAhKOWKKAkiYWBv66m8Cn2el6o+8AMD2nGJbEEiFkn8Duu/Su9KIfe1TPfmaw34rxqiRgcadmcqPgcG1SRZYRW7FHKWVjtJPwt+D+0KNevCk+CPUpkOkyeeYqVj4LRbzA+sljD3GwveREOSn83VyE8T4NiX57GHS+p/nWXBcZnVOSKz9hf4+YKXpBq/eoVftS+JLrv+wA=',
  },
]
